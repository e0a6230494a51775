import { beforeEach, describe, expect, it } from 'vitest';
import {
  call,
  clock,
  document,
  enableIam,
  get,
  keyArn,
  kms,
  lockout,
  put,
  rootArn,
  setUp,
  stopTime,
  use,
} from './kms-fixture.ts';

beforeEach(setUp);

describe('a limit of puts', () => {
  beforeEach(stopTime);
  const throttled = { code: 'ThrottlingException', message: 'Rate exceeded' };
  const named = (Sid: string) => document(enableIam, use(rootArn, { Sid }));

  it('refuses what is beyond it within a second, for all keys, before any effect', async () => {
    const arn = `${keyArn.slice(0, -1)}2`;
    kms.createKey({ arn, tags: kms.tags(keyArn) });
    const putOther = () => call('PutKeyPolicy', { KeyId: arn, Policy: JSON.stringify(named('other')) });
    await put(named('before'));
    kms.limitPuts(2);
    await put(named('first'));
    clock.advance(500);
    await putOther();
    await expect(put(named('second'))).rejects.toMatchObject(throttled);
    clock.advance(499);
    await expect(putOther()).rejects.toMatchObject(throttled);
    expect(kms.keyPolicy(keyArn)).toEqual(named('first'));
    expect(kms.policyWrites(arn)).toBe(1);
    clock.advance(1);
    await expect(put(named('second'))).resolves.toEqual({});
    await expect(put(named('third'))).rejects.toMatchObject(throttled);
  });

  it('counts what KMS refuses for something else, but not what it throttles', async () => {
    kms.limitPuts(1);
    await expect(put('{')).rejects.toMatchObject({ code: 'MalformedPolicyDocumentException' });
    clock.advance(900);
    await expect(put(named('first'))).rejects.toMatchObject(throttled);
    clock.advance(100);
    await expect(put(named('first'))).resolves.toEqual({});
  });

  it('is not there by default, nor when it is taken away, nor for reads', async () => {
    const burst = async () => {
      for (let count = 0; count < 50; count += 1) await put(named(String(count)));
    };
    await burst();
    kms.limitPuts(1);
    await put(named('one'));
    for (let count = 0; count < 5; count += 1) await get();
    kms.limitPuts(Number.POSITIVE_INFINITY);
    await burst();
    expect(kms.policyWrites(keyArn)).toBe(101);
  });
});

it('policyWrites counts what took effect on the key', async () => {
  expect(kms.policyWrites(keyArn)).toBe(0);
  await put(document(enableIam));
  await expect(put('{')).rejects.toThrow();
  await expect(put(document(use(rootArn)))).rejects.toThrow(lockout);
  await put(document(enableIam));
  expect(kms.policyWrites(keyArn)).toBe(2);
  expect(() => kms.policyWrites(`${keyArn.slice(0, -1)}2`)).toThrow('does not exist');
});
