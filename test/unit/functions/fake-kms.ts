import { GetRoleCommand, IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import {
  GetKeyPolicyCommand,
  KMSClient,
  ListResourceTagsCommand,
  MalformedPolicyDocumentException,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';

export const malformed = (message: string) => new MalformedPolicyDocumentException({ message, $metadata: {} });

/**
 * KMS with keys of these policies, which read as they were written. It refuses a policy that names a role of `unseen`, without
 * saying which, as KMS does.
 */
export function fakeKms(policies: Record<string, object>) {
  const stored = new Map(Object.entries(policies).map(([arn, policy]) => [arn, JSON.stringify(policy)]));
  const unseen = new Set<string>();
  const tags = new Map<string, string>();
  const client = mockClient(KMSClient);
  client.on(GetKeyPolicyCommand, { PolicyName: 'default' }).callsFake(({ KeyId }) => ({ Policy: stored.get(KeyId) }));
  client.on(ListResourceTagsCommand).callsFake(() => ({
    Tags: [...tags].map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
  }));
  client.on(PutKeyPolicyCommand).callsFake(({ KeyId, Policy }) => {
    if ([...unseen].some((roleArn) => Policy.includes(`"${roleArn}"`))) {
      throw malformed('Policy contains a statement with one or more invalid principals.');
    }
    stored.set(KeyId, Policy);
    return {};
  });
  return {
    client,
    unseen,
    /** The tags of every key. */
    tags,
    policy: (keyArn: string): unknown => JSON.parse(stored.get(keyArn) ?? ''),
    set: (keyArn: string, policy: object) => void stored.set(keyArn, JSON.stringify(policy)),
    /** The calls that were to write a policy. */
    puts: () => client.commandCalls(PutKeyPolicyCommand).map(({ args: [{ input }] }) => input),
    gets: () => client.commandCalls(GetKeyPolicyCommand).length,
  };
}

/** IAM with these roles: their ids and, in the order given, their ages, the oldest first. */
export function fakeIam(roleIds: Record<string, string>) {
  const client = mockClient(IAMClient);
  client.on(GetRoleCommand).rejects(new NoSuchEntityException({ message: 'The role cannot be found.', $metadata: {} }));
  for (const [age, [roleArn, RoleId]] of Object.entries(roleIds).entries()) {
    const RoleName = roleArn.slice(roleArn.lastIndexOf('/') + 1);
    const CreateDate = new Date(Date.UTC(2026, 0, 1, 0, age));
    const Role = { Path: '/', RoleName, RoleId, Arn: roleArn, CreateDate };
    client.on(GetRoleCommand, { RoleName }).resolves({ Role });
  }
  return client;
}
