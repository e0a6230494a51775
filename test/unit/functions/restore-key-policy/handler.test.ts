import { GetRoleCommand } from '@aws-sdk/client-iam';
import { GetKeyPolicyCommand, type KMSClient, KMSServiceException, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/restore-key-policy/environment.ts';
import { readGrants, requestGrant, settleGrant } from '../../../../lib/keys/grants.ts';
import { takeLease } from '../../../../lib/keys/lease.ts';
import { backUpPolicy, readPolicyBackups } from '../../../../lib/keys/policy-backups.ts';
import { granting, roleArn, roleId, roleOf } from '../../lib/keys/key-fixture.ts';
import { registryTable } from '../../lib/registry/registry-table.ts';
import { environmentOf } from '../environment.ts';
import { fakeIam, fakeKms, malformed } from '../fake-kms.ts';
import { fullPolicy, keyPolicy, orphanedPolicy } from '../key-policy.ts';
import { context, errorOf, lambda, now } from '../lambda.ts';
import { accounts } from '../other-account.ts';
import { own } from '../own-record.ts';

const keyArn = 'arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-4111-8111-111111111111';
const otherKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/22222222-2222-4222-8222-222222222222';
const backupArn = 'arn:aws:iam::111111111111:role/Backup';
const backup = {
  Sid: 'Allow the backup team',
  Effect: 'Allow',
  Principal: { AWS: backupArn },
  Action: 'kms:Decrypt',
  Resource: '*',
};
const by = 'arn:aws:states:us-east-1:111111111111:execution:onboard-subscriber:acme-1';

/** The policy with a statement of the customer's after the owner's. */
function withBackup(policy: ReturnType<typeof keyPolicy>) {
  const [owner, ...ours] = policy.Statement;
  return { ...policy, Statement: [owner, backup, ...ours] };
}

/** The function with a key of this policy, of which that one is kept, and roles whose grants are applied. */
async function setUp({ inForce, kept, applied = [] }: { inForce: object; kept: object; applied?: string[] }) {
  const registry = await registryTable();
  const kms = fakeKms({ [keyArn]: inForce, [otherKeyArn]: keyPolicy() });
  const names = ['a', 'b', 'c', 'd'];
  const iam = fakeIam(Object.fromEntries(names.map((name) => [roleArn(name), roleId(name)])));
  await own(registry, by, ...names);
  const ask = (name: string) => requestGrant(registry, keyArn, roleOf(name), by);
  for (const name of applied) await settleGrant(registry, keyArn, { ...(await ask(name)), state: 'applied' });
  const keptAt = '2026-01-01T11:00:00.000Z';
  await backUpPolicy(registry, keyArn, { keptAt, hash: 'any', policy: JSON.stringify(kept), by, owner: 'owner-1' });
  const invoke = lambda(() => import('../../../../functions/restore-key-policy/handler.ts'), {
    ...registry.environment,
    ...environmentOf(environmentSchema, { REGISTRY_TABLE: registry.tableName }),
  });
  return {
    registry,
    kms,
    iam,
    invoke,
    ask,
    states: async () =>
      Object.fromEntries((await readGrants(registry, keyArn)).map(({ userName, state }) => [userName, state])),
  };
}

const policyId = '2026-01-01T11:00:00.000Z#owner-1';
const event = { keyArn, policyId };
const previousPolicyId = expect.stringMatching(/^2\d{3}-.*Z#/);
const restored = { keyArn, policyId, changed: true, previousPolicyId };

describe('restoring a kept policy', () => {
  it("brings its statements back, in the key's Region and one write, and leaves the key to those who have it by ours", async () => {
    const { invoke, kms } = await setUp({
      inForce: granting('a', 'b'),
      kept: withBackup(keyPolicy('AROADELETEDDELETEDDEL', roleArn('gone'))),
      applied: ['a'],
    });
    expect(await invoke(event)).toEqual(restored);
    expect(kms.puts()).toEqual([{ KeyId: keyArn, PolicyName: 'default', Policy: expect.any(String) }]);
    expect(kms.policy(keyArn)).toEqual(withBackup(granting('a', 'b')));
    const regions = kms.client.calls().map(({ thisValue }: { thisValue: KMSClient }) => thisValue.config.region());
    expect(new Set(await Promise.all(regions))).toEqual(new Set(['eu-west-1']));
  });

  it('takes out statements that the kept policy has not', async () => {
    const { invoke, kms } = await setUp({ inForce: withBackup(granting('a')), kept: keyPolicy(), applied: ['a'] });
    expect(await invoke(event)).toEqual(restored);
    expect(kms.policy(keyArn)).toEqual(granting('a'));
  });

  it('keeps the policy in force first, so that it can be undone', async () => {
    const { invoke, kms, registry } = await setUp({
      inForce: granting('a'),
      kept: withBackup(keyPolicy()),
      applied: ['a'],
    });
    const output = await invoke(event);
    const [, before, ...others] = await readPolicyBackups(registry, keyArn);
    expect(output).toMatchObject({ previousPolicyId: before?.id });
    expect(before).toMatchObject({
      keptAt: now.toISOString(),
      by: `${context.invokedFunctionArn} request ${context.awsRequestId}`,
    });
    expect(others).toEqual([]);
    expect(await invoke({ keyArn, policyId: before?.id })).toMatchObject({ changed: true });
    expect(kms.policy(keyArn)).toEqual(granting('a'));
  });

  it('is over without a write, and keeps nothing, when it is repeated', async () => {
    const { invoke, kms, registry } = await setUp({
      inForce: granting('a'),
      kept: withBackup(keyPolicy()),
      applied: ['a'],
    });
    await invoke(event);
    expect(await invoke(event)).toEqual({ keyArn, policyId, changed: false });
    expect(kms.puts()).toHaveLength(1);
    expect(await readPolicyBackups(registry, keyArn)).toHaveLength(2);
  });

  it('lets no client repeat a write, which may arrive late', async () => {
    const { invoke, kms } = await setUp({ inForce: keyPolicy(), kept: withBackup(keyPolicy()) });
    await invoke(event);
    const [put] = kms.client.commandCalls(PutKeyPolicyCommand);
    const [get] = kms.client.commandCalls(GetKeyPolicyCommand);
    expect(await put?.thisValue.config.maxAttempts()).toBe(1);
    expect(await get?.thisValue.config.maxAttempts()).toBe(3);
  });

  it('lets the roles use the key in the way that the deployment says', async () => {
    const { invoke, kms } = await setUp({
      inForce: granting('a'),
      kept: withBackup(granting('a')),
      applied: ['a'],
    });
    await invoke(event, { KEY_ACCESS: 'role-pattern' });
    expect(JSON.stringify(kms.policy(keyArn))).toContain(
      '"arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-*"',
    );
    expect(JSON.stringify(kms.policy(keyArn))).toContain(backupArn);
  });

  it('heals a policy whose own statement names a deleted role', async () => {
    const { invoke, kms } = await setUp({ inForce: orphanedPolicy, kept: keyPolicy() });
    expect(await invoke(event)).toEqual(restored);
    expect(kms.policy(keyArn)).toEqual(keyPolicy());
  });
});

describe('roles that are wanted and have not got the key yet', () => {
  it('get it with the restore', async () => {
    const { invoke, kms, ask, states } = await setUp({
      inForce: granting('a'),
      kept: withBackup(keyPolicy()),
      applied: ['a'],
    });
    await ask('b');
    expect(await invoke(event)).toEqual(restored);
    expect(kms.policy(keyArn)).toEqual(withBackup(granting('a', 'b')));
    expect(kms.puts()).toHaveLength(1);
    expect(await states()).toEqual({ a: 'applied', b: 'applied' });
  });

  it('do not keep the policy from being restored when KMS cannot see them, and are named', async () => {
    const { invoke, kms, iam, registry, ask, states } = await setUp({
      inForce: granting('a'),
      kept: withBackup(keyPolicy()),
      applied: ['a'],
    });
    for (const name of ['b', 'c', 'd']) await ask(name);
    kms.unseen.add(roleArn('c'));
    iam.on(GetRoleCommand, { RoleName: 'RoleForInfinStorMlflowService-d' }).resolves({});
    const name = 'PrincipalNotVisible';
    expect(await invoke(event)).toEqual({
      ...restored,
      refusedRoles: [
        { roleArn: roleArn('c'), name, message: expect.stringContaining('cannot see') },
        { roleArn: roleArn('d'), name, message: expect.stringContaining(`IAM has no role ${roleArn('d')}`) },
      ],
    });
    expect(kms.policy(keyArn)).toEqual(withBackup(granting('a', 'b')));
    expect(await states()).toEqual({ a: 'applied', b: 'applied', c: 'pending', d: 'orphaned' });
    // Left to its own step from now on, and named all the same.
    kms.set(keyArn, granting('a', 'b'));
    for (const grant of await readGrants(registry, keyArn)) {
      if (grant.state === 'orphaned') await settleGrant(registry, keyArn, { ...grant, refused: true });
    }
    expect(await invoke(event)).toMatchObject({ refusedRoles: [{ roleArn: roleArn('c') }] });
  });

  it('get it and lose nothing when it is the kept policy that KMS refuses', async () => {
    const { invoke, kms, registry, ask, states } = await setUp({
      inForce: granting('a'),
      kept: withBackup(keyPolicy()),
      applied: ['a'],
    });
    await ask('b');
    kms.unseen.add(backupArn);
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyPolicyOrphan', backupArn));
    expect(kms.policy(keyArn)).toEqual(granting('a', 'b'));
    expect(await states()).toEqual({ a: 'applied', b: 'applied' });
    const [, ...kept] = await readPolicyBackups(registry, keyArn);
    expect(kept.map(({ policy }) => JSON.parse(policy))).toEqual([granting('a')]);
  });
});

describe('a policy that cannot be restored', () => {
  it.each([
    ['no keyArn', { policyId }, 'keyArn: is required'],
    ['an alias', { keyArn: 'alias/artifacts', policyId }, 'keyArn: must be the ARN of a KMS key'],
    ['no policyId', { keyArn }, 'policyId: is required'],
    ['an empty policyId', { keyArn, policyId: '' }, 'policyId: is empty'],
    ['another field', { ...event, force: true }, 'force: is not a known field'],
    ['a key of another account', { ...event, keyArn: keyArn.replace('1111:', '2222:') }, 'keyArn: must be a key of'],
    ['an unknown id', { keyArn, policyId: 'yesterday' }, 'policyId: no policy yesterday of key'],
    ['an id of another key', { keyArn: otherKeyArn, policyId }, 'policyId: no policy 2026-'],
  ])('is InvalidRequest for %s', async (_, input, message) => {
    const { invoke, kms } = await setUp({ inForce: keyPolicy(), kept: withBackup(keyPolicy()) });
    await expect(invoke(input)).rejects.toMatchObject(errorOf('InvalidRequest', message));
    expect(kms.client.calls()).toEqual([]);
  });

  it('may be of another account that is configured, and is looked for then', async () => {
    const { invoke } = await setUp({ inForce: keyPolicy(), kept: withBackup(keyPolicy()) });
    const input = { ...event, keyArn: keyArn.replace('111111111111', '222222222222') };
    await expect(invoke(input, { ACCOUNTS: JSON.stringify(accounts) })).rejects.toMatchObject(
      errorOf('InvalidRequest', 'policyId: no policy'),
    );
  });

  it('is InvalidConfiguration without a registry', async () => {
    const { invoke } = await setUp({ inForce: keyPolicy(), kept: keyPolicy() });
    const failure = invoke(event, { REGISTRY_TABLE: undefined });
    await expect(failure).rejects.toMatchObject(errorOf('InvalidConfiguration', 'REGISTRY_TABLE'));
  });

  it('is KeyPolicyBusy while somebody else has the lease', async () => {
    const { invoke, kms, registry } = await setUp({ inForce: keyPolicy(), kept: withBackup(keyPolicy()) });
    await takeLease(registry, keyArn, { owner: 'another', until: now.getTime() + 1 }, now.getTime());
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyPolicyBusy', keyArn));
    expect(kms.puts()).toEqual([]);
  });

  it('is KeyPolicyBusy when KMS does not say whether it wrote, and its late effect is no harm', async () => {
    const { invoke, kms } = await setUp({ inForce: keyPolicy(), kept: withBackup(keyPolicy()) });
    const details = { name: 'KMSInternalException', message: 'Try again', $fault: 'server', $metadata: {} } as const;
    kms.client.on(PutKeyPolicyCommand).rejects(new KMSServiceException(details));
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyPolicyBusy', 'did not say'));
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyPolicyBusy', 'by another execution'));
  });

  it.each([
    ['KeyPolicyOrphan', 'names a deleted role by its id', orphanedPolicy, 'of the kept policy'],
    ['KeyPolicyNotUnderstood', 'is none', { Statement: [{ Effect: 'Perhaps' }] }, 'The kept policy'],
  ])('is %s when it %s, and the key stays as it is', async (name, _, kept, message) => {
    const { invoke, kms } = await setUp({ inForce: keyPolicy(), kept });
    await expect(invoke(event)).rejects.toMatchObject(errorOf(name, message));
    expect(kms.puts()).toEqual([]);
  });

  it('is KeyPolicyOrphan when it names a role that was deleted since by its ARN, and the key stays as it is', async () => {
    const { invoke, kms } = await setUp({
      inForce: granting('a'),
      kept: withBackup(keyPolicy()),
      applied: ['a'],
    });
    kms.unseen.add(backupArn);
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyPolicyOrphan', backupArn));
    expect(kms.policy(keyArn)).toEqual(granting('a'));
  });

  it('is KeyPolicyFull when the roles leave no room for it', async () => {
    const { invoke, kms } = await setUp({ inForce: granting('a'), kept: fullPolicy, applied: ['a'] });
    await expect(invoke(event)).rejects.toMatchObject({ name: 'KeyPolicyFull' });
    expect(kms.puts()).toEqual([]);
  });

  it('is KeyPolicyNotUnderstood when the policy in force could not be kept', async () => {
    const { invoke, kms } = await setUp({ inForce: { Statement: [{ Effect: 'Perhaps' }] }, kept: keyPolicy() });
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyPolicyNotUnderstood', 'of the policy of key '));
    expect(kms.puts()).toEqual([]);
  });

  it('is KeyNotUsable when KMS says that nobody could change it again', async () => {
    const { invoke, kms } = await setUp({ inForce: keyPolicy(), kept: withBackup(keyPolicy()) });
    const message = 'The new key policy will not allow you to update the key policy in the future.';
    kms.client.on(PutKeyPolicyCommand).rejects(malformed(message));
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyNotUsable', keyArn));
  });
});
