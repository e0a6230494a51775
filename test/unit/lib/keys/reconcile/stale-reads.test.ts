import { GetKeyPolicyCommand } from '@aws-sdk/client-kms';
import { describe, expect, it } from 'vitest';
import { reconcileKeyPolicy } from '../../../../../lib/keys/reconcile.ts';
import { granting, keyArn, keyFixture } from '../key-fixture.ts';
import { by, named, names, withForeign } from './reconcile-fixture.ts';

describe('a read that may be stale', () => {
  /** What KMS tells next, before it tells the truth. */
  const tell = ({ kms }: Awaited<ReturnType<typeof keyFixture>>, ...policies: object[]) => {
    const truth = () => ({ Policy: JSON.stringify(kms.policy(keyArn)) });
    kms.client.on(GetKeyPolicyCommand).callsFake(() => {
      const told = policies.shift();
      return told === undefined ? truth() : { Policy: JSON.stringify(told) };
    });
  };

  it('after a write is repeated until it says what was written', async () => {
    const world = await keyFixture(granting(), names);
    await world.ask('a');
    tell(world, granting(), granting(), granting());
    expect(await reconcileKeyPolicy(world.reconciler, keyArn, { by })).toMatchObject({ changed: true });
    expect(await world.states()).toEqual({ a: 'applied' });
    expect(world.kms.gets()).toBe(4);
  });

  it('after a write is KeyPolicyBusy when it does not end, and the grant is still to be applied', async () => {
    const world = await keyFixture(granting(), names);
    await world.ask('a');
    tell(world, ...Array.from({ length: 6 }, () => granting()));
    await expect(reconcileKeyPolicy(world.reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
    expect(await world.states()).toEqual({ a: 'pending' });
    expect(await reconcileKeyPolicy(world.reconciler, keyArn, { by })).toMatchObject({ changed: true });
  });

  it('before a write is repeated when it is older than the last write, for a minute', async () => {
    const world = await keyFixture(granting(), names);
    await world.ask('a');
    await reconcileKeyPolicy(world.reconciler, keyArn, { by });
    await world.ask('b');
    world.time.now += 59_000;
    tell(world, granting(), granting());
    await reconcileKeyPolicy(world.reconciler, keyArn, { by });
    expect(world.kms.policy(keyArn)).toEqual(granting('a', 'b'));
    await world.ask('c');
    tell(world, ...Array.from({ length: 5 }, () => granting()));
    await expect(reconcileKeyPolicy(world.reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
    expect(world.kms.puts()).toHaveLength(2);
  });

  it('loses no grant when it is older than that', async () => {
    const world = await keyFixture(granting(), names);
    await world.ask('a');
    await reconcileKeyPolicy(world.reconciler, keyArn, { by });
    await world.ask('b');
    world.time.now += 600_000;
    tell(world, granting());
    await reconcileKeyPolicy(world.reconciler, keyArn, { by });
    expect(world.kms.policy(keyArn)).toEqual(granting('a', 'b'));
  });

  it('is none when somebody else has changed another statement', async () => {
    const world = await keyFixture(granting(), names);
    await world.ask('a');
    await reconcileKeyPolicy(world.reconciler, keyArn, { by });
    world.kms.set(keyArn, withForeign(granting('a')));
    await world.ask('b');
    await reconcileKeyPolicy(world.reconciler, keyArn, { by });
    expect(world.kms.policy(keyArn)).toEqual(withForeign(granting('a', 'b')));
  });
});
