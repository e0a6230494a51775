import { KMSServiceException, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { requestGrant } from '../../../../../lib/keys/grants.ts';
import { readPolicyBackups } from '../../../../../lib/keys/policy-backups.ts';
import { reconcileKeyPolicy } from '../../../../../lib/keys/reconcile.ts';
import { granting, keyArn, keyFixture, onboardingOf, roleArn, roleOf } from '../key-fixture.ts';
import { by, named, names, withForeign } from './reconcile-fixture.ts';

describe('the desired grants of a key', () => {
  it('are written at once for everybody, who then need not write', async () => {
    const { reconciler, kms, ask, states } = await keyFixture(withForeign(granting()), names);
    await ask('a', 'b', 'c');
    expect(await reconcileKeyPolicy(reconciler, keyArn, { by, roleArn: roleArn('a') })).toEqual({
      changed: true,
      previousPolicyId: expect.any(String),
      refusals: new Map(),
      policy: withForeign(granting('a', 'b', 'c')),
      keptPatterns: [],
    });
    expect(kms.policy(keyArn)).toEqual(withForeign(granting('a', 'b', 'c')));
    expect(await states()).toEqual({ a: 'applied', b: 'applied', c: 'applied' });
    expect(await reconcileKeyPolicy(reconciler, keyArn, { by })).toMatchObject({ changed: false });
    expect(kms.puts()).toHaveLength(1);
  });

  it('stand beside roles that the registry does not know, which only an exact request takes out', async () => {
    const { reconciler, kms, ask } = await keyFixture(granting('earlier'), names);
    await ask('a');
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect(kms.policy(keyArn)).toEqual(granting('a', 'earlier'));
    expect(await reconcileKeyPolicy(reconciler, keyArn, { by, exact: true })).toMatchObject({ changed: true });
    expect(kms.policy(keyArn)).toEqual(granting('a'));
  });

  it('come back when somebody has taken one out', async () => {
    const { reconciler, kms, ask, time } = await keyFixture(granting(), names);
    await ask('a', 'b');
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    kms.set(keyArn, granting('b'));
    time.now += 61_000;
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect(kms.policy(keyArn)).toEqual(granting('a', 'b'));
  });

  it('are written again for a role that was made anew under the same name', async () => {
    const { reconciler, kms, ask, registry, states } = await keyFixture(granting(), names);
    await ask('a');
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect(
      await requestGrant(registry, keyArn, { ...roleOf('a'), roleId: 'AROANEW' }, onboardingOf('a')),
    ).toMatchObject({
      state: 'pending',
    });
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    expect(kms.puts()).toHaveLength(2);
    expect(await states()).toEqual({ a: 'applied' });
  });

  it('need no write of their own where a pattern stands for all of them', async () => {
    const world = await keyFixture(granting(), names);
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
    const { reconciler, kms, ask, registry, time } = await keyFixture(withForeign(granting()), names);
    await ask('a');
    await reconcileKeyPolicy(reconciler, keyArn, { by });
    kms.set(keyArn, granting('a'));
    time.now += 1_000;
    const [kept] = await readPolicyBackups(registry, keyArn);
    const restored = JSON.parse(kept?.policy ?? '');
    expect(await reconcileKeyPolicy(reconciler, keyArn, { by, restored })).toMatchObject({ changed: true });
    expect(kms.policy(keyArn)).toEqual(withForeign(granting('a')));
    expect((await readPolicyBackups(registry, keyArn)).map(({ policy }) => JSON.parse(policy))).toEqual([
      withForeign(granting()),
      granting('a'),
    ]);
  });
});

describe('the policy that is kept', () => {
  const marks = async ({ registry }: Pick<Awaited<ReturnType<typeof keyFixture>>, 'registry'>) =>
    (await readPolicyBackups(registry, keyArn)).map(({ overwritten }) => overwritten);

  it('is named by who wrote over it', async () => {
    const world = await keyFixture(granting(), names);
    await world.ask('a');
    const { previousPolicyId } = await reconcileKeyPolicy(world.reconciler, keyArn, { by });
    const [kept] = await readPolicyBackups(world.registry, keyArn);
    expect(previousPolicyId).toBe(kept?.id);
    expect(await marks(world)).toEqual([undefined]);
    expect(await reconcileKeyPolicy(world.reconciler, keyArn, { by })).toMatchObject({ previousPolicyId: undefined });
  });

  it('is named by who wrote over it at the second try, and not marked', async () => {
    const world = await keyFixture(granting(), names);
    world.kms.unseen.add(roleArn('b'));
    await world.ask('a', 'b');
    expect((await reconcileKeyPolicy(world.reconciler, keyArn, { by })).previousPolicyId).toBeDefined();
    expect(await marks(world)).toEqual([undefined]);
  });

  it('is marked when KMS has taken no write of it, and nobody is asked to undo it', async () => {
    const world = await keyFixture(granting(), names);
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
    const world = await keyFixture(granting(), names);
    world.kms.client.on(PutKeyPolicyCommand).rejects(error);
    await world.ask('a');
    await expect(reconcileKeyPolicy(world.reconciler, keyArn, { by })).rejects.toThrow(Error);
    expect(await marks(world)).toEqual([mark]);
  });

  it('is not half there when somebody has deleted it meanwhile', async () => {
    const world = await keyFixture(granting(), names);
    const { documents, tableName } = world.registry;
    world.kms.client.on(PutKeyPolicyCommand).callsFake(async () => {
      const [kept] = await readPolicyBackups(world.registry, keyArn);
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
