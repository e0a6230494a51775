import {
  GetKeyPolicyCommand,
  KMSClient,
  KMSServiceException,
  MalformedPolicyDocumentException,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { fullPolicy, keyPolicy, orphanedPolicy } from '../key-policy.ts';
import { errorOf, lambda } from '../lambda.ts';
import { plan, role } from '../plan.ts';

const keyArn = 'arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-4111-8111-111111111111';
const secondKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/22222222-2222-4222-8222-222222222222';
const otherRoleArn = 'arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-Zeta';
const event = { plan: { ...plan, keyArns: [keyArn] }, role };
const malformed = (message: string) => new MalformedPolicyDocumentException({ message, $metadata: {} });

/** The function, with keys that have these policies and read as they are written. */
function setUp(policies: Record<string, object>) {
  const stored = new Map(Object.entries(policies).map(([arn, policy]) => [arn, JSON.stringify(policy)]));
  const kms = mockClient(KMSClient);
  kms.on(GetKeyPolicyCommand, { PolicyName: 'default' }).callsFake(({ KeyId }) => ({ Policy: stored.get(KeyId) }));
  kms.on(PutKeyPolicyCommand).callsFake(({ KeyId, Policy }) => {
    stored.set(KeyId, Policy);
    return {};
  });
  const puts = () => kms.commandCalls(PutKeyPolicyCommand).map(({ args: [{ input }] }) => input);
  const invoke = lambda(() => import('../../../functions/patch-key-policy/handler.ts'), {});
  return { kms, puts, invoke };
}

describe('letting a role use a key', () => {
  it("writes the policy once, in the stack's Region, with the role beside those that have the key", async () => {
    const { invoke, kms, puts } = setUp({ [keyArn]: keyPolicy(otherRoleArn) });
    expect(await invoke(event)).toEqual([{ keyArn, changed: true }]);
    // Nothing bypasses the lockout check.
    expect(puts()).toEqual([{ KeyId: keyArn, PolicyName: 'default', Policy: expect.any(String) }]);
    expect(JSON.parse(puts()[0]?.Policy ?? '')).toEqual(keyPolicy(role.roleArn, otherRoleArn));
    const client: KMSClient = kms.call(0).thisValue;
    expect(await client.config.region()).toBe(plan.stack.region);
  });

  it('writes nothing when it is repeated, in whatever order KMS tells the policy', async () => {
    const { invoke, puts } = setUp({ [keyArn]: keyPolicy(otherRoleArn, role.roleArn) });
    expect(await invoke(event)).toEqual([{ keyArn, changed: false }]);
    expect(puts()).toEqual([]);
  });

  it('serves every key of the request', async () => {
    const { invoke, puts } = setUp({ [keyArn]: keyPolicy(role.roleArn), [secondKeyArn]: keyPolicy() });
    expect(await invoke({ ...event, plan: { ...plan, keyArns: [keyArn, secondKeyArn] } })).toEqual([
      { keyArn, changed: false },
      { keyArn: secondKeyArn, changed: true },
    ]);
    expect(puts()).toMatchObject([{ KeyId: secondKeyArn }]);
  });

  it('is over at once when the request has no key', async () => {
    const { invoke, kms } = setUp({});
    expect(await invoke({ plan, role })).toEqual([]);
    expect(kms.calls()).toEqual([]);
  });
});

describe('a policy that cannot be changed', () => {
  it('is KeyPolicyBusy when it does not read as it was written', async () => {
    const { invoke, kms } = setUp({ [keyArn]: keyPolicy() });
    kms.on(PutKeyPolicyCommand).resolves({});
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyPolicyBusy', keyArn));
  });

  it('is PrincipalNotVisible while KMS does not see the role', async () => {
    const { invoke, kms, puts } = setUp({ [keyArn]: keyPolicy() });
    const message = 'Policy contains a statement with one or more invalid principals.';
    kms.on(PutKeyPolicyCommand).rejects(malformed(message));
    await expect(invoke(event)).rejects.toMatchObject({ name: 'PrincipalNotVisible' });
    expect(puts()).toHaveLength(1);
  });

  it('is KeyPolicyBusy when KMS is asked too often', async () => {
    const { invoke, kms } = setUp({ [keyArn]: keyPolicy() });
    const details = { name: 'ThrottlingException', message: 'Rate exceeded', $fault: 'client', $metadata: {} } as const;
    kms.on(PutKeyPolicyCommand).rejects(new KMSServiceException(details));
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyPolicyBusy', keyArn));
  });

  it('is KeyPolicyBusy when KMS is asked too often to read it', async () => {
    const { invoke, kms } = setUp({ [keyArn]: keyPolicy() });
    const details = { name: 'ThrottlingException', message: 'Rate exceeded', $fault: 'client', $metadata: {} } as const;
    kms.on(GetKeyPolicyCommand).rejects(new KMSServiceException(details));
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyPolicyBusy', keyArn));
  });

  it('is KeyNotUsable when KMS says that nobody could change it again', async () => {
    const { invoke, kms } = setUp({ [keyArn]: keyPolicy() });
    const message = 'The new key policy will not allow you to update the key policy in the future.';
    kms.on(PutKeyPolicyCommand).rejects(malformed(message));
    await expect(invoke(event)).rejects.toMatchObject(errorOf('KeyNotUsable', keyArn));
  });

  it('keeps the name of any other refusal, which no retry helps', async () => {
    const { invoke, kms } = setUp({ [keyArn]: keyPolicy() });
    const message = 'Policy contains a statement with one or more invalid actions.';
    kms.on(PutKeyPolicyCommand).rejects(malformed(message));
    await expect(invoke(event)).rejects.toMatchObject({ name: 'MalformedPolicyDocumentException', message });
  });

  it.each([
    ['KeyPolicyFull', 'has no room', fullPolicy],
    ['KeyPolicyOrphan', 'names a deleted role elsewhere', orphanedPolicy],
  ])('is %s when it %s, and stays as it is', async (name, _, policy) => {
    const { invoke, puts } = setUp({ [keyArn]: policy });
    await expect(invoke(event)).rejects.toMatchObject({ name });
    expect(puts()).toEqual([]);
  });
});
