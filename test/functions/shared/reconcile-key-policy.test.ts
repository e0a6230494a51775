import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { GetKeyPolicyCommand, KMSServiceException, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { readKeptPolicies } from '../../../functions/shared/kept-policies.ts';
import { requestGrant, takeLease } from '../../../functions/shared/key-registry.ts';
import { reconcileKeyPolicy } from '../../../functions/shared/reconcile-key-policy.ts';
import { malformed } from '../fake-kms.ts';
import { keyPolicy, orphanedPolicy } from '../key-policy.ts';
import { keyArn, keyWorld, roleArn, roleId, roleOf } from './key-world.ts';

const by = 'arn:aws:states:us-east-1:111111111111:execution:onboard-subscriber:acme-1';
const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const granting = (...roles: string[]) => keyPolicy(...roles.map(roleArn));
const named = (name: string) => expect.objectContaining({ name });
const foreign = {
  Sid: 'Allow the backup team',
  Effect: 'Allow',
  Principal: { AWS: '222222222222' },
  Action: 'kms:Decrypt',
  Resource: '*',
};
const withForeign = (policy: ReturnType<typeof keyPolicy>) => ({
  ...policy,
  Statement: [foreign, ...policy.Statement],
});

describe('the desired grants of a key', () => {
  it('are written at once for everybody, who then need not write', async () => {
    const { reconciler, kms, ask, states } = await keyWorld(withForeign(granting()), names);
    await ask('a', 'b', 'c');
    expect(await reconcileKeyPolicy(reconciler, keyArn, { by, roleArn: roleArn('a') })).toEqual({
      changed: true,
      previousPolicyId: expect.any(String),
      refusals: new Map(),
      policy: withForeign(granting('a', 'b', 'c')),
    });
    expect(kms.policy(keyArn)).toEqual(withForeign(granting('a', 'b', 'c')));
    expect(await states()).toEqual({ a: 'applied', b: 'applied', c: 'applied' });
    expect(await reconcileKeyPolicy(reconciler, keyArn, { by })).toMatchObject({ changed: false });
    expect(kms.puts()).toHaveLength(1);
  });

  it('stand beside roles that the registry does not know, which only an exact wish takes out', async () => {
    const { reconciler, kms, ask } = await keyWorld(granting('earlier'), names);
    await ask('a');
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect(kms.policy(keyArn)).toEqual(granting('a', 'earlier'));
    expect(await reconcileKeyPolicy(reconciler, keyArn, { by, exact: true })).toMatchObject({ changed: true });
    expect(kms.policy(keyArn)).toEqual(granting('a'));
  });

  it('come back when somebody has taken one out', async () => {
    const { reconciler, kms, ask, time } = await keyWorld(granting(), names);
    await ask('a', 'b');
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    kms.set(keyArn, granting('b'));
    time.now += 61_000;
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect(kms.policy(keyArn)).toEqual(granting('a', 'b'));
  });

  it('are written again for a role that was made anew under the same name', async () => {
    const { reconciler, kms, ask, registry, states } = await keyWorld(granting(), names);
    await ask('a');
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect(await requestGrant(registry, keyArn, { ...roleOf('a'), roleId: 'AROANEW' })).toMatchObject({
      state: 'pending',
    });
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect(kms.puts()).toHaveLength(2);
    expect(await states()).toEqual({ a: 'applied' });
  });

  it('need no write of their own where a pattern stands for all of them', async () => {
    const world = await keyWorld(granting(), names);
    const access = { mode: 'role-pattern', roleNamePrefix: 'RoleForInfinStorMlflowService-' } as const;
    const reconciler = { ...world.reconciler, access };
    for (const name of names) {
      await world.ask(name);
      await reconcileKeyPolicy(reconciler, keyArn, { by });
      expect(await world.states()).toMatchObject({ [name]: 'applied' });
    }
    expect(world.kms.puts()).toHaveLength(1);
  });

  it('keep the key when an earlier policy is restored, whatever that says of them', async () => {
    const { reconciler, kms, ask, registry, time } = await keyWorld(withForeign(granting()), names);
    await ask('a');
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    kms.set(keyArn, granting('a'));
    time.now += 1_000;
    const [kept] = await readKeptPolicies(registry, keyArn);
    const restored = JSON.parse(kept?.policy ?? '');
    expect(await reconcileKeyPolicy(reconciler, keyArn, { by, restored })).toMatchObject({ changed: true });
    expect(kms.policy(keyArn)).toEqual(withForeign(granting('a')));
    expect((await readKeptPolicies(registry, keyArn)).map(({ policy }) => JSON.parse(policy))).toEqual([
      withForeign(granting()),
      granting('a'),
    ]);
  });
});

describe('the policy that is kept', () => {
  const marks = async ({ registry }: Pick<Awaited<ReturnType<typeof keyWorld>>, 'registry'>) =>
    (await readKeptPolicies(registry, keyArn)).map(({ overwritten }) => overwritten);

  it('is named by who wrote over it', async () => {
    const world = await keyWorld(granting(), names);
    await world.ask('a');
    const { previousPolicyId } = await reconcileKeyPolicy(world.reconciler, keyArn, { by });
    const [kept] = await readKeptPolicies(world.registry, keyArn);
    expect(previousPolicyId).toBe(kept?.id);
    expect(await marks(world)).toEqual([undefined]);
    expect(await reconcileKeyPolicy(world.reconciler, keyArn, { by })).toMatchObject({ previousPolicyId: undefined });
  });

  it('is named by who wrote over it at the second try, and not marked', async () => {
    const world = await keyWorld(granting(), names);
    world.kms.unseen.add(roleArn('b'));
    await world.ask('a', 'b');
    expect((await reconcileKeyPolicy(world.reconciler, keyArn, { by })).previousPolicyId).toBeDefined();
    expect(await marks(world)).toEqual([undefined]);
  });

  it('is marked when KMS has taken no write of it, and nobody is told to undo it', async () => {
    const world = await keyWorld(granting(), names);
    world.kms.unseen.add(roleArn('a'));
    await world.ask('a');
    expect(await reconcileKeyPolicy(world.reconciler, keyArn, { by })).toMatchObject({ previousPolicyId: undefined });
    expect(await marks(world)).toEqual([false]);
  });

  const refusal = (name: string, $fault: 'client' | 'server') =>
    new KMSServiceException({ name, message: 'no', $fault, $metadata: {} });
  it.each<[string, Error, false | undefined]>([
    ['is marked when KMS denies the write', refusal('AccessDeniedException', 'client'), false],
    ['is marked when KMS is asked too often', refusal('ThrottlingException', 'client'), false],
    ['is not marked when KMS may have written over it', refusal('KMSInternalException', 'server'), undefined],
  ])('%s', async (_, error, mark) => {
    const world = await keyWorld(granting(), names);
    world.kms.client.on(PutKeyPolicyCommand).rejects(error);
    await world.ask('a');
    await expect(reconcileKeyPolicy(world.reconciler, keyArn, { by })).rejects.toThrow(Error);
    expect(await marks(world)).toEqual([mark]);
  });

  it('is not half there when somebody has deleted it meanwhile', async () => {
    const world = await keyWorld(granting(), names);
    const { documents, tableName } = world.registry;
    world.kms.client.on(PutKeyPolicyCommand).callsFake(async () => {
      const [kept] = await readKeptPolicies(world.registry, keyArn);
      await documents.send(
        new DeleteCommand({ TableName: tableName, Key: { pk: `KEY#${keyArn}`, sk: `POLICY#${kept?.id}` } }),
      );
      throw refusal('AccessDeniedException', 'client');
    });
    await world.ask('a');
    await expect(reconcileKeyPolicy(world.reconciler, keyArn, { by })).rejects.toThrow(named('AccessDeniedException'));
    expect(await marks(world)).toEqual([]);
  });
});

describe('a role that KMS does not take', () => {
  it('has the policy kept once, however often it is tried', async () => {
    const world = await keyWorld(granting(), names);
    const clock = { ...world.reconciler.clock, now: () => world.time.now++ };
    world.kms.unseen.add(roleArn('h'));
    await world.ask(...names);
    await reconcileKeyPolicy({ ...world.reconciler, clock }, keyArn, { by });
    expect(world.kms.puts().length).toBeGreaterThan(2);
    expect(await readKeptPolicies(world.registry, keyArn)).toHaveLength(1);
  });

  it.each(names)('keeps no other from the key: %s of eight', async (unseen) => {
    const { reconciler, kms, ask, states, registry } = await keyWorld(granting(), names);
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
    expect(await readKeptPolicies(registry, keyArn)).toHaveLength(1);
  });

  it('costs one write of the others when it is the newest', async () => {
    const { reconciler, kms, ask } = await keyWorld(granting(), names);
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
    const { reconciler, kms, ask, states } = await keyWorld(granting(), names);
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
    const { reconciler, kms, ask } = await keyWorld(granting(), names);
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
    const { reconciler, kms, ask, states } = await keyWorld(granting(), names);
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
    const { reconciler, kms, ask, states, registry } = await keyWorld(granting(), living);
    kms.unseen.add(roleArn('c'));
    await ask('a', 'b');
    await requestGrant(registry, keyArn, { ...roleOf('c'), roleId: 'AROAOLD' });
    const { refusals } = await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect([...refusals]).toEqual([[roleArn('c'), named('PrincipalNotVisible')]]);
    expect(await states()).toEqual({ a: 'applied', b: 'applied', c: 'orphaned' });
    expect(kms.puts()).toHaveLength(2);
    await ask('d');
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect(kms.puts()).toHaveLength(3);
    // Its own step insists.
    expect(await requestGrant(registry, keyArn, roleOf('c'))).toMatchObject({ state: 'pending' });
  });

  it('goes out of the policy when it was deleted after it had the key', async () => {
    const { reconciler, kms, ask, states, time } = await keyWorld(granting(), ['b', 'c']);
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
    const { reconciler, kms, ask, states, time } = await keyWorld(granting(), ['b']);
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
    const { reconciler, kms, ask, states } = await keyWorld(policy, names);
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
    const { reconciler, kms, ask } = await keyWorld(granting(), names);
    kms.unseen.add(roleArn('a'));
    const throttled = Object.assign(new Error('Rate exceeded'), { name: 'Throttling' });
    mockClient(IAMClient).on(GetRoleCommand).rejects(throttled);
    await ask('a');
    await expect(reconcileKeyPolicy(reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
  });
});

describe("the key's lease", () => {
  const lease = (now: number) => ({ owner: 'another', until: now + 30_000 });

  it('keeps everybody else from the policy until it is given back, or has run out', async () => {
    const { reconciler, kms, ask, registry, time } = await keyWorld(granting(), names);
    await ask('a');
    await takeLease(registry, keyArn, lease(time.now), time.now);
    await expect(reconcileKeyPolicy(reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
    expect(kms.client.calls()).toEqual([]);
    time.now += 30_001;
    expect(await reconcileKeyPolicy(reconciler, keyArn, { by })).toMatchObject({ changed: true });
    expect(await takeLease(registry, keyArn, lease(time.now), time.now)).toBeDefined();
  });

  it('is given back after a failure, which says why', async () => {
    const { reconciler, ask, registry, time } = await keyWorld(orphanedPolicy, names);
    await ask('a');
    await expect(reconcileKeyPolicy(reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyOrphan'));
    expect(await takeLease(registry, keyArn, lease(time.now), time.now)).toBeDefined();
  });

  const server = { name: 'KMSInternalException', message: 'Try again', $fault: 'server', $metadata: {} } as const;
  it.each([
    ['does not answer', new Error('socket hang up')],
    ['has an error of its own', new KMSServiceException(server)],
  ])('runs out by itself when KMS %s, as the write may still arrive', async (_, error) => {
    const { reconciler, kms, ask, registry, time, states } = await keyWorld(granting(), names);
    kms.client.on(PutKeyPolicyCommand).rejectsOnce(error);
    await ask('a');
    await expect(reconcileKeyPolicy(reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
    expect(await states()).toEqual({ a: 'pending' });
    expect(await takeLease(registry, keyArn, lease(time.now), time.now)).toBeUndefined();
    expect(await takeLease(registry, keyArn, lease(time.now), time.now + 30_001)).toBeDefined();
  });

  it('must be good for one more call of KMS, or nothing is written', async () => {
    const { reconciler, kms, ask, time } = await keyWorld(granting(), names);
    kms.client.on(GetKeyPolicyCommand).callsFake(() => {
      time.now += 23_000;
      return { Policy: JSON.stringify(granting()) };
    });
    await ask('a');
    await expect(reconcileKeyPolicy(reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
    expect(kms.puts()).toEqual([]);
  });
});

describe('a read that may be stale', () => {
  /** What KMS tells next, before it tells the truth. */
  const tell = ({ kms }: Awaited<ReturnType<typeof keyWorld>>, ...policies: object[]) => {
    const truth = () => ({ Policy: JSON.stringify(kms.policy(keyArn)) });
    kms.client.on(GetKeyPolicyCommand).callsFake(() => {
      const told = policies.shift();
      return told === undefined ? truth() : { Policy: JSON.stringify(told) };
    });
  };

  it('after a write is repeated until it tells what was written', async () => {
    const world = await keyWorld(granting(), names);
    await world.ask('a');
    tell(world, granting(), granting(), granting());
    expect(await reconcileKeyPolicy(world.reconciler, keyArn, { by })).toMatchObject({ changed: true });
    expect(await world.states()).toEqual({ a: 'applied' });
    expect(world.kms.gets()).toBe(4);
  });

  it('after a write is KeyPolicyBusy when it does not end, and the grant is still to be applied', async () => {
    const world = await keyWorld(granting(), names);
    await world.ask('a');
    tell(world, ...Array.from({ length: 6 }, () => granting()));
    await expect(reconcileKeyPolicy(world.reconciler, keyArn, { by })).rejects.toThrow(named('KeyPolicyBusy'));
    expect(await world.states()).toEqual({ a: 'pending' });
    expect(await reconcileKeyPolicy(world.reconciler, keyArn, { by })).toMatchObject({ changed: true });
  });

  it('before a write is repeated when it is older than the last write, for a minute', async () => {
    const world = await keyWorld(granting(), names);
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
    const world = await keyWorld(granting(), names);
    await world.ask('a');
    await reconcileKeyPolicy(world.reconciler, keyArn, { by });
    await world.ask('b');
    world.time.now += 600_000;
    tell(world, granting());
    await reconcileKeyPolicy(world.reconciler, keyArn, { by });
    expect(world.kms.policy(keyArn)).toEqual(granting('a', 'b'));
  });

  it('is none when somebody else has changed another statement', async () => {
    const world = await keyWorld(granting(), names);
    await world.ask('a');
    await reconcileKeyPolicy(world.reconciler, keyArn, { by });
    world.kms.set(keyArn, withForeign(granting('a')));
    await world.ask('b');
    await reconcileKeyPolicy(world.reconciler, keyArn, { by });
    expect(world.kms.policy(keyArn)).toEqual(withForeign(granting('a', 'b')));
  });
});
