import { describe, expect, it } from 'vitest';
import { InvalidRequest, KeyNotUsable, KeyPolicyBusy } from '../../../../lib/errors.ts';
import { allFaults, Faults, oneError } from '../../../../lib/preflight/checks.ts';

const fails = (error: Error) => () => {
  throw error;
};
const wrong = new InvalidRequest('stack.build', 'must be digits and dots');

describe('the checks of a step', () => {
  it('end with one error for all that is wrong with the request until a pause', async () => {
    const checks = oneError();
    const result = await checks.attempt<string>(fails(new KeyNotUsable('arn', 'it is disabled')));
    await checks.attempt(() => result().length);
    await checks.attempt(fails(new KeyNotUsable('other', 'it is disabled')));
    const message = 'Key arn cannot be used: it is disabled; also Key other cannot be used: it is disabled';
    expect(checks.pause).toThrow(expect.objectContaining({ name: 'KeyNotUsable', message }));
  });

  it('end immediately with what says nothing of the request, unless it is known to be wrong', async () => {
    const checks = oneError();
    const passing = new Error('AccessDenied');
    await expect(checks.attempt(fails(passing))).rejects.toBe(passing);
    await checks.attempt(fails(wrong));
    await expect(checks.attempt(fails(passing))).rejects.toMatchObject({ name: 'InvalidRequest' });
  });

  it('give the results of those that have no fault', async () => {
    const checks = oneError();
    const result = await checks.attempt(() => Promise.resolve(7));
    expect(result()).toBe(7);
    expect(checks.settle).not.toThrow();
  });
});

describe('checks of all faults', () => {
  it('go on after one, and throw all in the order in which they were found', async () => {
    const checks = allFaults();
    const other = new KeyNotUsable('arn', 'it is disabled');
    await checks.attempt(fails(other));
    const result = await checks.attempt(() => 7);
    await checks.attempt(fails(wrong));
    expect(result()).toBe(7);
    expect(checks.settle).toThrow(expect.objectContaining({ faults: [other, wrong] }));
    expect(checks.settle).toThrow(Faults);
  });

  it('count a fault once when others ask for what it has kept from being there, or find the same', async () => {
    const checks = allFaults();
    const result = await checks.attempt<string>(fails(wrong));
    await checks.attempt(() => result().length);
    await checks.attempt(fails(new InvalidRequest('stack.build', 'must be digits and dots')));
    expect(checks.settle).toThrow(
      expect.objectContaining({ faults: [expect.objectContaining({ field: 'stack.build' })] }),
    );
  });

  it.each([new KeyPolicyBusy('KMS was asked too often'), new Error('AccessDenied')])(
    'throw immediately what is no fault: %s',
    async (error) => {
      await expect(allFaults().attempt(fails(error))).rejects.toBe(error);
    },
  );

  it('settle when there was none', async () => {
    const checks = allFaults();
    await checks.attempt(() => undefined);
    expect(checks.settle).not.toThrow();
  });
});
