import { GetKeyPolicyCommand, KMSServiceException, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { describe, expect, it } from 'vitest';
import { takeLease } from '../../../../../lib/keys/lease.ts';
import { reconcileKeyPolicy } from '../../../../../lib/keys/reconcile.ts';
import { orphanedPolicy } from '../../../functions/key-policy.ts';
import { granting, keyArn, keyFixture } from '../key-fixture.ts';
import { by, named, names } from './reconcile-fixture.ts';

describe("the key's lease", () => {
  const lease = (now: number) => ({ owner: 'another', until: now + 30_000 });

  it('keeps everybody else from the policy until it is given back, or has run out', async () => {
    const { reconciler, kms, ask, registry, time } = await keyFixture(granting(), names);
    await ask('a');
    await takeLease(registry, keyArn, lease(time.now), time.now);
    await expect(reconcileKeyPolicy(reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
    expect(kms.client.calls()).toEqual([]);
    time.now += 30_001;
    expect(await reconcileKeyPolicy(reconciler, keyArn, { by })).toMatchObject({ changed: true });
    expect(await takeLease(registry, keyArn, lease(time.now), time.now)).toBeDefined();
  });

  it('is taken by nobody whose own time may end before it', async () => {
    const { reconciler, kms, ask, registry, time } = await keyFixture(granting(), names);
    await ask('a');
    const late = { ...reconciler, remainingMs: () => 29_000 };
    await expect(reconcileKeyPolicy(late, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
    expect(kms.client.calls()).toEqual([]);
    expect(await takeLease(registry, keyArn, lease(time.now), time.now)).toBeDefined();
  });

  it('must be good for the write after another account has let it in', async () => {
    const { reconciler, kms, ask, time } = await keyFixture(granting(), names);
    await ask('a');
    const slow = {
      ...reconciler,
      async prepareOnce() {
        time.now += 23_000;
      },
    };
    await expect(reconcileKeyPolicy(slow, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
    expect(kms.puts()).toEqual([]);
  });

  it('is given back after a failure, which says why', async () => {
    const { reconciler, ask, registry, time } = await keyFixture(orphanedPolicy, names);
    await ask('a');
    await expect(reconcileKeyPolicy(reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyOrphan'));
    expect(await takeLease(registry, keyArn, lease(time.now), time.now)).toBeDefined();
  });

  const server = { name: 'KMSInternalException', message: 'Try again', $fault: 'server', $metadata: {} } as const;
  it.each([
    ['does not answer', new Error('socket hang up')],
    ['has an error of its own', new KMSServiceException(server)],
  ])('runs out by itself when KMS %s, as the write may still arrive', async (_, error) => {
    const { reconciler, kms, ask, registry, time, states } = await keyFixture(granting(), names);
    kms.client.on(PutKeyPolicyCommand).rejectsOnce(error);
    await ask('a');
    await expect(reconcileKeyPolicy(reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
    expect(await states()).toEqual({ a: 'pending' });
    expect(await takeLease(registry, keyArn, lease(time.now), time.now)).toBeUndefined();
    expect(await takeLease(registry, keyArn, lease(time.now), time.now + 30_001)).toBeDefined();
  });

  it('must be good for one more call of KMS, or nothing is written', async () => {
    const { reconciler, kms, ask, time } = await keyFixture(granting(), names);
    kms.client.on(GetKeyPolicyCommand).callsFake(() => {
      time.now += 23_000;
      return { Policy: JSON.stringify(granting()) };
    });
    await ask('a');
    await expect(reconcileKeyPolicy(reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
    expect(kms.puts()).toEqual([]);
  });
});
