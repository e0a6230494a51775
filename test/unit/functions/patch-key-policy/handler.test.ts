import { GetKeyPolicyCommand, type KMSClient, KMSServiceException, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/patch-key-policy/environment.ts';
import { readGrants, requestGrant, settleGrant } from '../../../../lib/keys/grants.ts';
import { readPolicyBackups } from '../../../../lib/keys/policy-backups.ts';
import { registryTable } from '../../lib/registry/registry-table.ts';
import { environmentOf } from '../environment.ts';
import { fakeIam, fakeKms, malformed } from '../fake-kms.ts';
import { fullPolicy, keyPolicy, orphanedPolicy } from '../key-policy.ts';
import { errorOf, lambda, now } from '../lambda.ts';
import { own } from '../own-record.ts';
import { executionArn, plan, role } from '../plan.ts';

const keyArn = 'arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-4111-8111-111111111111';
const secondKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/22222222-2222-4222-8222-222222222222';
const otherRoleArn = 'arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-Zeta';
const { roleArn, roleId } = role;
const event = { plan: { ...plan, keyArns: [keyArn] }, role };

/** The function with an empty registry, and keys that have these policies. */
async function setUp(policies: Record<string, object>) {
  const registry = await registryTable();
  await own(registry, executionArn, 'Acme');
  const kms = fakeKms(policies);
  fakeIam({ [roleArn]: roleId });
  const environment = {
    ...registry.environment,
    ...environmentOf(environmentSchema, { REGISTRY_TABLE: registry.tableName }),
  };
  const invoke = lambda(() => import('../../../../functions/patch-key-policy/handler.ts'), environment);
  const states = async () => (await readGrants(registry, keyArn)).map(({ state }) => state);
  return { registry, kms, invoke, states };
}

describe('letting a role use a key', () => {
  it("writes the policy once, in the stack's Region, with the role beside those that have the key", async () => {
    const { invoke, kms, registry } = await setUp({ [keyArn]: keyPolicy(otherRoleArn) });
    expect(await invoke(event)).toEqual([{ keyArn, changed: true }]);
    // Nothing bypasses the lockout check.
    expect(kms.puts()).toEqual([{ KeyId: keyArn, PolicyName: 'default', Policy: expect.any(String) }]);
    expect(kms.policy(keyArn)).toEqual(keyPolicy(roleArn, otherRoleArn));
    const client: KMSClient = kms.client.call(0).thisValue;
    expect(await client.config.region()).toBe(plan.stack.region);
    expect(await readGrants(registry, keyArn)).toEqual([
      { roleArn, roleId, userName: 'Acme', state: 'applied', refused: false },
    ]);
  });

  it('keeps the policy that it writes over, with the execution', async () => {
    const { invoke, registry } = await setUp({ [keyArn]: keyPolicy(otherRoleArn) });
    await invoke(event);
    const [kept, ...others] = await readPolicyBackups(registry, keyArn);
    expect(kept).toMatchObject({
      keptAt: now.toISOString(),
      by: executionArn,
      hash: expect.stringMatching(/^\w{64}$/),
    });
    expect(JSON.parse(kept?.policy ?? '')).toEqual(keyPolicy(otherRoleArn));
    expect(others).toEqual([]);
  });

  it('never lets the client repeat a write, which may arrive late', async () => {
    const { invoke, kms } = await setUp({ [keyArn]: keyPolicy() });
    await invoke(event);
    const [put] = kms.client.commandCalls(PutKeyPolicyCommand);
    const [get] = kms.client.commandCalls(GetKeyPolicyCommand);
    expect(await put?.thisValue.config.maxAttempts()).toBe(1);
    expect(await get?.thisValue.config.maxAttempts()).toBe(3);
  });

  it('writes nothing and takes no lease when it is repeated, in whatever order KMS returns the policy', async () => {
    const { invoke, kms, registry } = await setUp({ [keyArn]: keyPolicy(otherRoleArn, roleArn) });
    const grant = await requestGrant(registry, keyArn, { roleArn, roleId, userName: 'Acme' }, executionArn);
    await settleGrant(registry, keyArn, { ...grant, state: 'applied' });
    expect(await invoke(event)).toEqual([{ keyArn, changed: false }]);
    expect(kms.puts()).toEqual([]);
    expect(kms.gets()).toBe(1);
  });

  it('serves every key of the request', async () => {
    const { invoke, kms } = await setUp({ [keyArn]: keyPolicy(), [secondKeyArn]: keyPolicy(otherRoleArn) });
    expect(await invoke({ ...event, plan: { ...plan, keyArns: [keyArn, secondKeyArn] } })).toEqual([
      { keyArn, changed: true },
      { keyArn: secondKeyArn, changed: true },
    ]);
    expect(kms.puts()).toMatchObject([{ KeyId: keyArn }, { KeyId: secondKeyArn }]);
  });

  it('is over at once when the request has no key', async () => {
    const { invoke, kms } = await setUp({});
    expect(await invoke({ plan, role })).toEqual([]);
    expect(kms.client.calls()).toEqual([]);
  });

  it('is done with a pattern when the deployment says so', async () => {
    const { invoke, kms, states } = await setUp({ [keyArn]: keyPolicy() });
    await invoke(event, { KEY_ACCESS: 'role-pattern' });
    expect(JSON.stringify(kms.policy(keyArn))).toContain(
      '"arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-*"',
    );
    expect(await states()).toEqual(['applied']);
  });
});

describe('a policy that cannot be changed', () => {
  const throttling = new KMSServiceException({
    name: 'ThrottlingException',
    message: 'Rate exceeded',
    $fault: 'client',
    $metadata: {},
  });

  it('is PrincipalNotVisible while KMS does not see the role, and the role is still wanted', async () => {
    const { invoke, kms, states } = await setUp({ [keyArn]: keyPolicy() });
    kms.unseen.add(roleArn);
    await expect(invoke(event)).rejects.toMatchObject(errorOf('PrincipalNotVisible', `adds ${roleArn}`));
    expect(kms.puts()).toHaveLength(1);
    expect(await states()).toEqual(['pending']);
    kms.unseen.clear();
    expect(await invoke(event)).toEqual([{ keyArn, changed: true }]);
  });

  it('is KeyPolicyBusy when KMS is asked too often to write it, and the lease is given back', async () => {
    const { invoke, kms } = await setUp({ [keyArn]: keyPolicy() });
    kms.client.on(PutKeyPolicyCommand).rejectsOnce(throttling).resolves({});
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyPolicyBusy', keyArn));
    kms.set(keyArn, keyPolicy(roleArn));
    expect(await invoke(event)).toEqual([{ keyArn, changed: true }]);
  });

  it('is KeyPolicyBusy when KMS is asked too often to read it', async () => {
    const { invoke, kms } = await setUp({ [keyArn]: keyPolicy() });
    kms.client.on(GetKeyPolicyCommand).rejects(throttling);
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyPolicyBusy', keyArn));
  });

  it('is KeyNotUsable when KMS says that nobody could change it again', async () => {
    const { invoke, kms } = await setUp({ [keyArn]: keyPolicy() });
    const message = 'The new key policy will not allow you to update the key policy in the future.';
    kms.client.on(PutKeyPolicyCommand).rejects(malformed(message));
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyNotUsable', keyArn));
  });

  it('keeps the name of any other refusal, which no retry helps', async () => {
    const { invoke, kms } = await setUp({ [keyArn]: keyPolicy() });
    const message = 'Policy contains a statement with one or more invalid actions.';
    kms.client.on(PutKeyPolicyCommand).rejects(malformed(message));
    await expect(invoke(event)).rejects.toMatchObject({ name: 'MalformedPolicyDocumentException', message });
  });

  it.each([
    ['KeyPolicyFull', 'has no room', fullPolicy],
    ['KeyPolicyOrphan', 'names a deleted role elsewhere', orphanedPolicy],
    ['KeyPolicyNotUnderstood', 'is none', { Statement: [{ Effect: 'Perhaps' }] }],
  ])('is %s when it %s, and stays as it is', async (name, _, policy) => {
    const { invoke, kms } = await setUp({ [keyArn]: policy });
    await expect(invoke(event)).rejects.toMatchObject({ name });
    expect(kms.puts()).toEqual([]);
  });
});
