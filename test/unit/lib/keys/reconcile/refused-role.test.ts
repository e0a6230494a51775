import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { KMSServiceException, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { requestGrant } from '../../../../../lib/keys/grants.ts';
import { readPolicyBackups } from '../../../../../lib/keys/policy-backups.ts';
import { reconcileKeyPolicy } from '../../../../../lib/keys/reconcile.ts';
import { malformed } from '../../../functions/fake-kms.ts';
import { own } from '../../../functions/own-record.ts';
import { granting, keyArn, keyFixture, onboardingOf, roleArn, roleId, roleOf } from '../key-fixture.ts';
import { by, foreign, named, names } from './reconcile-fixture.ts';

describe('a role that KMS does not take', () => {
  it('has the policy kept once, however often it is tried', async () => {
    const world = await keyFixture(granting(), names);
    const clock = { ...world.reconciler.clock, now: () => world.time.now++ };
    world.kms.unseen.add(roleArn('h'));
    await world.ask(...names);
    await reconcileKeyPolicy({ ...world.reconciler, clock }, keyArn, { by });
    expect(world.kms.puts().length).toBeGreaterThan(2);
    expect(await readPolicyBackups(world.registry, keyArn)).toHaveLength(1);
  });

  it.each(names)('keeps no other from the key: %s of eight', async (unseen) => {
    const { reconciler, kms, ask, states, registry } = await keyFixture(granting(), names);
    kms.unseen.add(roleArn(unseen));
    await ask(...names);
    const { refusals } = await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect([...refusals]).toEqual([[roleArn(unseen), named('PrincipalNotVisible')]]);
    expect(kms.policy(keyArn)).toEqual(granting(...names.filter((name) => name !== unseen)));
    expect(await states()).toEqual({
      ...Object.fromEntries(names.map((name) => [name, 'applied'])),
      [unseen]: 'pending, refused',
    });
    // However often KMS was asked: there was one policy before.
    expect(await readPolicyBackups(registry, keyArn)).toHaveLength(1);
  });

  it('costs one write of the others when it is the newest', async () => {
    const { reconciler, kms, ask } = await keyFixture(granting(), names);
    kms.unseen.add(roleArn('h'));
    kms.unseen.add(roleArn('g'));
    await ask(...names.toReversed());
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    // All, all but the newest two, which are then tried together and each by itself.
    expect(kms.puts().map(({ Policy = '' }) => Policy.includes(roleArn('g')))).toEqual([
      true,
      false,
      true,
      true,
      false,
    ]);
  });

  it('is not looked for from the beginning again when KMS is asked too often meanwhile', async () => {
    const { reconciler, kms, ask, states } = await keyFixture(granting(), names);
    const throttling = {
      name: 'ThrottlingException',
      message: 'Rate exceeded',
      $fault: 'client',
      $metadata: {},
    } as const;
    let puts = 0;
    kms.client.on(PutKeyPolicyCommand).callsFake(({ KeyId, Policy }) => {
      puts += 1;
      if (puts === 3) throw new KMSServiceException(throttling);
      if (Policy.includes(roleArn('h')))
        throw malformed('Policy contains a statement with one or more invalid principals.');
      kms.set(KeyId, JSON.parse(Policy));
      return {};
    });
    await ask(...names);
    await expect(reconcileKeyPolicy(reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
    expect(await states()).toEqual({
      ...Object.fromEntries(names.map((name) => [name, 'applied'])),
      g: 'pending',
      h: 'pending',
    });
  });

  it('is left to its own step by the others', async () => {
    const { reconciler, kms, ask } = await keyFixture(granting(), names);
    kms.unseen.add(roleArn('a'));
    await ask('a');
    await reconcileKeyPolicy(reconciler, keyArn, { by, roleArn: roleArn('a') });
    expect(kms.puts()).toHaveLength(1);
    await ask('b', 'c');
    await reconcileKeyPolicy(reconciler, keyArn, { by, roleArn: roleArn('b') });
    expect(kms.puts()).toHaveLength(3);
    expect(kms.policy(keyArn)).toEqual(granting('b', 'c'));
  });

  it('is tried by its own step alone', async () => {
    const { reconciler, kms, ask, states } = await keyFixture(granting(), names);
    for (const name of ['a', 'b', 'c']) kms.unseen.add(roleArn(name));
    await ask('a', 'b', 'c');
    await reconcileKeyPolicy(reconciler, keyArn, { by, roleArn: roleArn('a') });
    kms.unseen.delete(roleArn('b'));
    const before = kms.puts().length;
    const { refusals } = await reconcileKeyPolicy(reconciler, keyArn, { by, roleArn: roleArn('b') });
    expect(refusals.size).toBe(0);
    expect(kms.puts()).toHaveLength(before + 2);
    expect(await states()).toEqual({ a: 'pending, refused', b: 'applied', c: 'pending, refused' });
  });

  it.each([
    ['is gone', names.filter((name) => name !== 'c')],
    ['was made anew', names],
  ])('is orphaned when it %s, and then nobody tries it again', async (_, living) => {
    const { reconciler, kms, ask, states, registry } = await keyFixture(granting(), living);
    kms.unseen.add(roleArn('c'));
    await ask('a', 'b');
    await own(registry, onboardingOf('c'), 'c');
    await requestGrant(registry, keyArn, { ...roleOf('c'), roleId: 'AROAOLD' }, onboardingOf('c'));
    const { refusals } = await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect([...refusals]).toEqual([[roleArn('c'), named('PrincipalNotVisible')]]);
    expect(await states()).toEqual({ a: 'applied', b: 'applied', c: 'orphaned' });
    expect(kms.puts()).toHaveLength(2);
    await ask('d');
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect(kms.puts()).toHaveLength(3);
    // Its own step insists.
    expect(await requestGrant(registry, keyArn, roleOf('c'), onboardingOf('c'))).toMatchObject({ state: 'pending' });
  });

  it('goes out of the policy when it was deleted after it had the key', async () => {
    const { reconciler, kms, ask, states, time } = await keyFixture(granting(), ['b', 'c']);
    await ask('a', 'b');
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    // What KMS shows of a deleted role, and does not take any more.
    kms.set(keyArn, JSON.parse(JSON.stringify(kms.policy(keyArn)).replaceAll(roleArn('a'), roleId('a'))));
    for (const gone of [roleArn('a'), roleId('a')]) kms.unseen.add(gone);
    time.now += 61_000;
    await ask('c');
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect(kms.policy(keyArn)).toEqual(granting('b', 'c'));
    expect(await states()).toEqual({ a: 'orphaned', b: 'applied', c: 'applied' });
  });

  it('goes out of the policy also when nobody else is to get the key', async () => {
    const { reconciler, kms, ask, states, time } = await keyFixture(granting(), ['b']);
    await ask('a', 'b');
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    kms.set(keyArn, JSON.parse(JSON.stringify(kms.policy(keyArn)).replaceAll(roleArn('a'), roleId('a'))));
    for (const gone of [roleArn('a'), roleId('a')]) kms.unseen.add(gone);
    time.now += 61_000;
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect(kms.policy(keyArn)).toEqual(granting('b'));
    expect(await states()).toEqual({ a: 'orphaned', b: 'applied' });
  });

  it('is KeyPolicyFull when there is no room for it, and the others have the key', async () => {
    const room = { ...foreign, Sid: 'x'.repeat(31_600) };
    const policy = { ...granting(), Statement: [...granting().Statement, room] };
    const { reconciler, kms, ask, states } = await keyFixture(policy, names);
    await ask(...names);
    const { refusals } = await reconcileKeyPolicy(reconciler, keyArn, { by });
    const applied = Object.values(await states()).filter((state) => state === 'applied').length;
    expect(applied).toBeGreaterThan(0);
    expect(refusals.size).toBe(names.length - applied);
    for (const refusal of refusals.values()) {
      expect(refusal).toMatchObject({ name: 'KeyPolicyFull', roles: expect.any(Number), bytes: expect.any(Number) });
    }
    // To find that out costs no call of KMS.
    expect(kms.puts().length).toBeLessThanOrEqual(applied);
    expect(Object.values(await states()).filter((state) => state === 'pending')).toHaveLength(refusals.size);
  });

  it('is KeyPolicyBusy when IAM is asked too often about it', async () => {
    const { reconciler, kms, ask } = await keyFixture(granting(), names);
    kms.unseen.add(roleArn('a'));
    const throttled = Object.assign(new Error('Rate exceeded'), { name: 'Throttling' });
    mockClient(IAMClient).on(GetRoleCommand).rejects(throttled);
    await ask('a');
    await expect(reconcileKeyPolicy(reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
  });
});
