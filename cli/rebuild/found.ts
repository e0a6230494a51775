import {
  CloudFormationClient,
  type Stack as CloudFormationStack,
  paginateDescribeStacks,
  type StackStatus,
} from '@aws-sdk/client-cloudformation';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { GetKeyPolicyCommand, KMSClient } from '@aws-sdk/client-kms';
import { paginateListSecrets, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type AccountRegion, arnOwner, parseKeyArn } from '../../lib/aws/arns.ts';
import { grantees, parseKeyPolicy } from '../../lib/keys/key-policy.ts';
import { ownershipTags } from '../../lib/stacks/names.ts';
import { isThere, stackResources } from '../../lib/stacks/resources.ts';
import { stackPhase } from '../../lib/stacks/status.ts';
import { answer } from '../aws/answer.ts';
import { configurationOf } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';

/** An account and Region that has stacks of subscribers, and the profile by which it is looked at, if it is another one. */
export interface Home extends AccountRegion {
  profile?: string;
}

/** What a subscriber's stack says of it. */
export interface FoundStack {
  stackId: string;
  home: AccountRegion;
  /** As the stack's parameters spell the name. */
  userName: string;
  isLive: boolean;
  /** When it was last updated, in ISO 8601; undefined: never. */
  updatedAt: string | undefined;
  /** The tags that the request asked for. */
  tags: Record<string, string>;
  role: { roleArn: string; roleId: string } | undefined;
  /** The keys that its parameters name. */
  keyArns: string[];
}

/** What AWS shows of a subscriber, by the name in lower case. */
export interface Found {
  name: string;
  /** `kept`: it has credentials; `leaving`: these are scheduled for deletion; `none`: there are none. */
  credentials: 'kept' | 'leaving' | 'none';
  /** In lower case: a secret's name has them so. */
  users: string[];
  stack: FoundStack | undefined;
}

/** What a place is looked at with. */
function clientsAt(target: Reachable, home: Home) {
  const { profile, ...place } = home;
  const configuration = { ...configurationOf(target, place), ...(profile !== undefined && { profile }) };
  return {
    cloudFormation: new CloudFormationClient(configuration),
    iam: new IAMClient(configuration),
    kms: new KMSClient(configuration),
  };
}

/** What the stage tags its stacks with: the id of the deployment, and the prefix of its secrets, which version 0.1.0 used. */
export interface Marks {
  deploymentId: string;
  secretPrefix: string;
}

/**
 * The subscribers of a deployment, by the names of their secrets and the tags of their stacks. No secret is read.
 * @throws CommandError as `answer` throws
 */
export async function findSubscribers(target: Reachable, homes: readonly Home[], marks: Marks): Promise<Found[]> {
  const found = new Map<string, Found>();
  const of = (name: string): Found => {
    const known = found.get(name) ?? { name, credentials: 'none', users: [], stack: undefined };
    found.set(name, known);
    return known;
  };
  const folder = `${marks.secretPrefix}subscribers/`;
  for (const { name, isDeleted } of await answer('Secrets Manager', secretsIn(target, folder), target)) {
    const [subscriber = '', ...rest] = name.slice(folder.length).split('/');
    if (rest.join('/') === 'credentials') of(subscriber).credentials = isDeleted ? 'leaving' : 'kept';
    if (rest[0] === 'users' && rest[1] !== undefined && !isDeleted) of(subscriber).users.push(rest[1]);
  }
  for (const home of homes) {
    const clients = clientsAt(target, home);
    for (const stack of await answer('CloudFormation', stacksAt(clients.cloudFormation, marks), target)) {
      const name = tagOf(stack, ownershipTags.subscriber) ?? '';
      of(name).stack = await answer('CloudFormation', describe(stack, name, clients), target);
    }
  }
  return [...found.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

async function secretsIn(target: Reachable, folder: string): Promise<{ name: string; isDeleted: boolean }[]> {
  const client = new SecretsManagerClient(configurationOf(target));
  const names = [];
  const pages = paginateListSecrets(
    { client },
    { Filters: [{ Key: 'name', Values: [folder] }], IncludePlannedDeletion: true },
  );
  for await (const { SecretList = [] } of pages) {
    for (const { Name: name = '', DeletedDate } of SecretList) {
      if (name.startsWith(folder)) names.push({ name, isDeleted: DeletedDate !== undefined });
    }
  }
  return names;
}

const tagOf = ({ Tags = [] }: CloudFormationStack, key: string) => Tags.find(({ Key }) => Key === key)?.Value;

/** The deployment's stacks; not those that are nested in them, which have the same tags. */
async function stacksAt(client: CloudFormationClient, marks: Marks): Promise<CloudFormationStack[]> {
  const stacks = [];
  for await (const { Stacks = [] } of paginateDescribeStacks({ client }, {})) {
    stacks.push(
      ...Stacks.filter((stack) => {
        const deployment = tagOf(stack, ownershipTags.deployment);
        const isOurs = deployment === marks.deploymentId || deployment === marks.secretPrefix;
        return isOurs && stack.ParentId === undefined && tagOf(stack, ownershipTags.subscriber) !== undefined;
      }),
    );
  }
  return stacks;
}

async function describe(
  stack: CloudFormationStack,
  name: string,
  { cloudFormation, iam }: ReturnType<typeof clientsAt>,
): Promise<FoundStack> {
  const { StackId: stackId = '', StackStatus, LastUpdatedTime, Parameters = [], Tags = [] } = stack;
  const values = Parameters.flatMap(({ ParameterValue }) => ParameterValue ?? []);
  const own: ReadonlySet<string | undefined> = new Set(Object.values(ownershipTags));
  const resources = (await stackResources(cloudFormation, stackId)).filter(isThere);
  const roles = resources.filter(({ type }) => type === 'AWS::IAM::Role').map(({ physicalId }) => physicalId);
  const [only, ...others] = roles;
  const roleName = others.length === 0 ? only : roles.find((role) => role.toLowerCase().endsWith(`-${name}`));
  const role = roleName === undefined ? undefined : (await iam.send(new GetRoleCommand({ RoleName: roleName }))).Role;
  return {
    stackId,
    home: arnOwner(stackId),
    userName: values.find((value) => value.toLowerCase() === name) ?? name,
    isLive: isMade(StackStatus),
    updatedAt: LastUpdatedTime?.toISOString(),
    tags: Object.fromEntries(Tags.flatMap(({ Key = '', Value = '' }) => (own.has(Key) ? [] : [[Key, Value]]))),
    role: role?.Arn === undefined || role.RoleId === undefined ? undefined : { roleArn: role.Arn, roleId: role.RoleId },
    keyArns: [...new Set(values.filter((value) => parseKeyArn(value) !== undefined))],
  };
}

/** Whether a stack was made once. Whatever became of an update since, which may not even be rolled back, its subscriber is as active as it was. */
export const isMade = (status: StackStatus | undefined): boolean =>
  status !== undefined && (stackPhase(status) === 'live' || status.startsWith('UPDATE_'));

/** Whom the deployment's own statements in the policy of a key let use it: roles, and patterns of roles. @throws CommandError as `answer` */
export async function granteesOf(target: Reachable, keyArn: string, home: Home | undefined): Promise<string[]> {
  const { kms } = clientsAt(target, home ?? arnOwner(keyArn));
  const read = new GetKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default' });
  const { Policy = '' } = await answer('KMS', kms.send(read), target);
  return grantees(parseKeyPolicy(Policy, `the policy of key ${keyArn}`));
}

/** Whether a role is one of these, or one of these patterns has it. */
export const isGrantee = (roleArn: string, some: readonly string[]): boolean =>
  some.some((each) => each === roleArn || (each.endsWith('*') && roleArn.startsWith(each.slice(0, -1))));
