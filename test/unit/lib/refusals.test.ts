import { describe, expect, it } from 'vitest';
import { InvalidRequest, KeyNotUsable, KeyPolicyBusy, SecretNotReadable } from '../../../lib/errors.ts';
import { fault } from '../../../lib/faults.ts';
import { checkBoth, checkEach, faultsOf, refuse } from '../../../lib/refusals.ts';

const invalid = (field: string) => new InvalidRequest(field, 'no');
const unusable = (key: string) => new KeyNotUsable(key, 'it is off');
const busy = new KeyPolicyBusy('asked too often');

/** What a list of checks, each of which throws this or returns, comes to. */
const outcome = (...errors: (Error | undefined)[]) => {
  const asked: number[] = [];
  const checks = errors.map((error, index) => ({ error, index }));
  const result = checkEach(checks, async ({ error, index }) => {
    asked.push(index);
    if (error !== undefined) throw error;
    return index;
  });
  return result.then(
    (found) => ({ asked, found }),
    (error: unknown) => ({ asked, error }),
  );
};

describe('checks of several things', () => {
  it('return what each has found', async () => {
    expect(await outcome(undefined, undefined)).toEqual({ asked: [0, 1], found: [0, 1] });
  });

  it('refuse all faults together', async () => {
    const { asked, error } = await outcomeOfError(invalid('a'), undefined, invalid('b'));
    expect(asked).toEqual([0, 1, 2]);
    expect(error).toMatchObject({ name: 'InvalidRequest', message: 'a: no; b: no' });
    expect(error).toHaveProperty('faults', [fault(['a'], 'no'), fault(['b'], 'no')]);
  });

  it.each<[string, Error[], string, string]>([
    [
      'the same kind',
      [unusable('k1'), unusable('k2')],
      'KeyNotUsable',
      'Key k1 cannot be used: it is off; also Key k2 cannot be used: it is off',
    ],
    ['the same twice', [unusable('k1'), unusable('k1')], 'KeyNotUsable', 'Key k1 cannot be used: it is off'],
    [
      'other kinds',
      [invalid('a'), new SecretNotReadable('b', 's', 'denied'), invalid('c')],
      'InvalidRequest',
      'a: no; c: no; also SecretNotReadable: b: secret s cannot be read: denied',
    ],
    [
      'a request and a key',
      [unusable('k1'), invalid('a')],
      'KeyNotUsable',
      'Key k1 cannot be used: it is off; also InvalidRequest: a: no',
    ],
  ])('throw one error for %s', async (_, errors, name, message) => {
    expect((await outcomeOfError(...errors)).error).toMatchObject({ name, message });
  });

  it('end with what is no refusal, which may be over the next time, unless something is refused for good', async () => {
    expect(await outcome(busy, invalid('a'))).toEqual({ asked: [0], error: busy });
    const { asked, error } = await outcomeOfError(invalid('a'), busy, invalid('b'));
    expect({ asked, error }).toMatchObject({ asked: [0, 1], error: { name: 'InvalidRequest', message: 'a: no' } });
  });
});

const outcomeOfError = async (...errors: (Error | undefined)[]) => {
  const result = await outcome(...errors);
  return { asked: result.asked, error: 'error' in result ? result.error : undefined };
};

describe('two checks', () => {
  const failing = (error: Error) => async () => {
    throw error;
  };
  it('return what the second has found, and refuse what both have', async () => {
    expect(
      await checkBoth(
        async () => 1,
        async () => 2,
      ),
    ).toBe(2);
    await expect(checkBoth(failing(invalid('a')), failing(invalid('b')))).rejects.toThrow('a: no; b: no');
    await expect(checkBoth(failing(invalid('a')), async () => 2)).rejects.toThrow(/^a: no$/);
    await expect(checkBoth(async () => 1, failing(invalid('b')))).rejects.toThrow(/^b: no$/);
  });

  it('end with what is no refusal in the same way', async () => {
    await expect(checkBoth(failing(busy), async () => 2)).rejects.toBe(busy);
    await expect(checkBoth(async () => 1, failing(busy))).rejects.toBe(busy);
    await expect(checkBoth(failing(invalid('a')), failing(busy))).rejects.toThrow(/^a: no$/);
  });
});

it('the faults of a check are those that it throws', () => {
  expect(faultsOf(() => refuse([]))).toEqual([]);
  expect(faultsOf(() => refuse([fault(['a'], 'no')]))).toEqual([fault(['a'], 'no')]);
  expect(() =>
    faultsOf(() => {
      throw busy;
    }),
  ).toThrow(busy);
});
