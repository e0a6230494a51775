import { paginateListSecrets, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { foreignStatements, grantedRoles, isSameElsewhere } from '../../../lib/keys/key-policy.ts';
import { type KeyPolicy, orphans } from '../../../lib/keys/policy-document.ts';
import { runningStatuses, statusSchema } from '../../../lib/subscribers/operations.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import type { AccountRegion } from '../../../sandbox/core/account.ts';
import { operatorAt } from '../../../sandbox/operator.ts';
import { credentialsOf, folderOf, logIn, policyOf, roleNameOf, stackNameOf } from '../subscriber.ts';

const rolePrefix = roleNameOf('');
const stackPrefix = stackNameOf('');
const secretPrefix = folderOf('');

const recordSchema = v.object({
  userName: v.string(),
  emailId: v.optional(v.string()),
  status: statusSchema,
  lastError: v.optional(v.unknown()),
  /** The mark of a call of add_subscriber whose answer is not known. */
  creating: v.optional(v.unknown()),
  stackId: v.optional(v.string()),
  roleArn: v.optional(v.string()),
  keyArns: v.optional(v.array(v.string()), []),
});
const grantSchema = v.object({ roleArn: v.string(), roleId: v.string(), userName: v.string(), state: v.string() });
const secretSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ state: v.optional(v.string()), password: v.optional(v.string()), customToken: v.optional(v.string()) }),
);

/** What all services hold of the subscribers, at a moment when nothing runs. */
export interface Estate {
  records: v.InferOutput<typeof recordSchema>[];
  grants: (v.InferOutput<typeof grantSchema> & { keyArn: string })[];
  /** The keys whose lease somebody has. */
  leasedKeys: string[];
  /** What InfinStor has. */
  subscribers: { userName: string; emailId: string; roleArn: string | undefined }[];
  /** The subscribers' stacks that are not deleted. */
  stacks: { stackName: string; stackId: string; status: string }[];
  roles: { arn: string; roleId: string }[];
  /** Each key's policy now, and as it was before anybody was onboarded. */
  keys: { keyArn: string; policy: KeyPolicy; before: KeyPolicy }[];
  /** The secrets below the subscribers' folder that are not deleted; `logsIn`: whether name and password are a user's. */
  secrets: { name: string; state: string | undefined; hasCustomToken: boolean; logsIn: boolean | undefined }[];
}

/** @param keys the policy of each key as it was before anybody was onboarded */
export async function estateOf(
  sandbox: Sandbox,
  { accountRegions, keys }: { accountRegions: readonly AccountRegion[]; keys: ReadonlyMap<string, KeyPolicy> },
): Promise<Estate> {
  const items = await plainItems(sandbox);
  const ofKind = (sk: string) => items.filter((item) => String(item.sk).startsWith(sk));
  const keyOf = ({ pk }: Record<string, unknown>) => String(pk).replace(/^KEY#/, '');
  const worlds = accountRegions.map((home) => ({ home, world: sandbox.world(home) }));
  const accounts = [...new Set(accountRegions.map(({ accountId }) => accountId))];
  return {
    records: ofKind('RECORD').map((item) => v.parse(recordSchema, item)),
    grants: ofKind('GRANT#')
      // What was withdrawn is remembered for an hour.
      .filter(({ state, expiresAt }) => state !== 'withdrawn' || expiresAt === undefined)
      .map((item) => ({ ...v.parse(grantSchema, item), keyArn: keyOf(item) })),
    leasedKeys: ofKind('LEASE')
      .filter(({ owner }) => owner !== undefined)
      .map(keyOf),
    subscribers: sandbox.infinstor.subscribers().map(({ userName, emailId, registered }) => ({
      userName,
      emailId,
      roleArn: registered?.roleArn,
    })),
    stacks: worlds.flatMap(({ world }) =>
      v
        .parse(v.array(stackSchema), world.cloudFormation.descriptions())
        .filter(({ StackName, StackStatus }) => StackName.startsWith(stackPrefix) && StackStatus !== 'DELETE_COMPLETE')
        .map(({ StackName: stackName, StackId: stackId, StackStatus: status }) => ({ stackName, stackId, status })),
    ),
    roles: accounts.flatMap((accountId) =>
      sandbox.accounts
        .iam(accountId)
        .roles()
        .filter(({ roleName }) => roleName.startsWith(rolePrefix))
        .map(({ arn, roleId }) => ({ arn, roleId })),
    ),
    keys: [...keys].map(([keyArn, before]) => ({ keyArn, policy: policyOf(sandbox, keyArn), before })),
    secrets: await secretsOf(sandbox),
  };
}

const stackSchema = v.object({ StackName: v.string(), StackId: v.string(), StackStatus: v.string() });

/** The registry's items as plain objects. */
async function plainItems({ dynamoDb, registryTable }: Sandbox): Promise<Record<string, unknown>[]> {
  const items = await dynamoDb.items(registryTable);
  return items.map((item) => Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plain(value)])));
}

const attributeSchema = v.union([
  v.object({ S: v.string() }),
  v.object({ N: v.string() }),
  v.object({ BOOL: v.boolean() }),
  v.object({ L: v.array(v.unknown()) }),
  v.object({ M: v.record(v.string(), v.unknown()) }),
]);

function plain(attribute: unknown): unknown {
  const value = v.parse(attributeSchema, attribute);
  if ('S' in value) return value.S;
  if ('N' in value) return Number(value.N);
  if ('BOOL' in value) return value.BOOL;
  if ('L' in value) return value.L.map(plain);
  return Object.fromEntries(Object.entries(value.M).map(([name, member]) => [name, plain(member)]));
}

async function secretsOf(sandbox: Sandbox): Promise<Estate['secrets']> {
  const { endpoint, secretsManager } = sandbox;
  const client = new SecretsManagerClient(operatorAt(endpoint));
  const secrets: Estate['secrets'] = [];
  const pages = paginateListSecrets({ client }, { Filters: [{ Key: 'name', Values: [secretPrefix] }] });
  for await (const { SecretList = [] } of pages) {
    for (const { Name = '' } of SecretList) {
      const text = secretsManager.value(Name);
      if (text === undefined) continue;
      const { state, password, customToken } = v.parse(secretSchema, text);
      const [, folder = '', kind, user = folder] =
        /^([^/]+)\/(\w+)(?:\/(.+))?$/.exec(Name.slice(secretPrefix.length)) ?? [];
      const isLogin = password !== undefined && (kind === 'credentials' || kind === 'users');
      secrets.push({
        name: Name,
        state,
        hasCustomToken: customToken !== undefined,
        // Not over the wire, where rates refuse so many logins of one moment.
        logsIn: isLogin ? (await logIn(sandbox, user, password)) === 'in' : undefined,
      });
    }
  }
  return secrets;
}

const lower = (name: string) => name.toLowerCase();
const nameOf = (roleArn: string) => roleArn.slice(roleArn.lastIndexOf('/') + 1);
const ownerOf = (secretName: string) => secretName.slice(secretPrefix.length).split('/')[0] ?? '';

/** What must hold of an estate, each by its name; a check tells what breaks it. */
export const invariants: Readonly<Record<string, (estate: Estate) => string[]>> = {
  'nothing is under way, and nobody has a lease': ({ records, leasedKeys }) => [
    ...records.filter(({ status }) => runningStatuses.includes(status)).map(({ userName }) => userName),
    ...leasedKeys,
  ],
  'what has ended well has no error': ({ records }) =>
    records.filter(({ lastError }) => lastError !== undefined).map(({ userName }) => userName),
  'an active subscriber is in InfinStor with its e-mail address and role': ({ records, subscribers }) =>
    active(records)
      .filter((record) => {
        const found = subscribers.filter(({ userName }) => lower(userName) === lower(record.userName));
        return found.length !== 1 || found[0]?.emailId !== record.emailId || found[0]?.roleArn !== record.roleArn;
      })
      .map(({ userName }) => userName),
  'every subscriber in InfinStor is in the registry': ({ records, subscribers }) =>
    subscribers
      .filter(({ userName }) => !records.some((record) => lower(record.userName) === lower(userName)))
      .map(({ userName }) => userName),
  'an active subscriber has one complete stack, and no other has any': ({ records, stacks }) => [
    ...active(records)
      .filter(({ stackId }) => !stacks.some((stack) => stack.stackId === stackId && stack.status === 'CREATE_COMPLETE'))
      .map(({ userName }) => userName),
    ...stacks
      .filter(({ stackId }) => !active(records).some((record) => record.stackId === stackId))
      .map(({ stackName }) => stackName),
  ],
  'an active subscriber has its role, and no other has one': ({ records, roles }) => [
    ...active(records)
      .filter(({ roleArn }) => !roles.some(({ arn }) => arn === roleArn))
      .map(({ userName }) => userName),
    ...roles.filter(({ arn }) => !active(records).some(({ roleArn }) => roleArn === arn)).map(({ arn }) => arn),
  ],
  "an active subscriber's keys are granted to its living role, and nothing else is": ({ records, grants, roles }) => {
    const wanted = active(records).flatMap(({ roleArn = '', keyArns }) =>
      keyArns.map((keyArn) => `${keyArn} ${roleArn}`),
    );
    const applied = grants
      .filter(
        ({ roleArn, roleId, state }) =>
          state === 'applied' && roles.some((role) => role.arn === roleArn && role.roleId === roleId),
      )
      .map(({ keyArn, roleArn }) => `${keyArn} ${roleArn}`);
    const all = grants.map(({ keyArn, roleArn }) => `${keyArn} ${roleArn}`);
    return [...wanted.filter((grant) => !applied.includes(grant)), ...all.filter((grant) => !wanted.includes(grant))];
  },
  'a key policy grants what the registry does': ({ keys, grants }) =>
    keys.flatMap(({ keyArn, policy }) => {
      const inPolicy = grantedRoles(policy);
      const wanted = grants.filter((grant) => grant.keyArn === keyArn).map(({ roleArn }) => roleArn);
      const differing = [
        ...inPolicy.filter((roleArn) => !wanted.includes(roleArn)),
        ...wanted.filter((roleArn) => !inPolicy.includes(roleArn)),
      ];
      return differing.map((roleArn) => `${keyArn} ${nameOf(roleArn)}`);
    }),
  'a key policy names nobody who is gone': ({ keys }) =>
    keys.flatMap(({ keyArn, policy }) => orphans(policy).map(({ principalId }) => `${keyArn} ${principalId}`)),
  "others' statements in a key policy are as they were": ({ keys }) =>
    keys
      .filter(({ policy, before }) => !isSameElsewhere(policy, before) || foreignStatements(policy).length === 0)
      .map(({ keyArn }) => keyArn),
  'an active subscriber has credentials that log in, and its custom token': ({ records, secrets }) =>
    active(records)
      .filter(({ userName }) => {
        const credentials = secrets.find(({ name }) => name === credentialsOf(userName));
        return credentials?.state !== 'created' || !credentials.hasCustomToken || !credentials.logsIn;
      })
      .map(({ userName }) => userName),
  'an active subscriber has no mark of a call without an answer': ({ records }) =>
    active(records)
      .filter(({ creating }) => creating !== undefined)
      .map(({ userName }) => userName),
  'users that were added log in': ({ secrets }) =>
    secrets.filter(({ state, logsIn }) => state === 'created' && logsIn === false).map(({ name }) => name),
  'nobody but active subscribers has secrets': ({ records, secrets }) =>
    secrets
      .filter(({ name }) => !active(records).some(({ userName }) => lower(userName) === ownerOf(name)))
      .map(({ name }) => name),
};

const active = (records: Estate['records']) => records.filter(({ status }) => status === 'ACTIVE');

/** What of the invariants an estate breaks: the invariant's name, and what it tells. */
export function disagreements(estate: Estate): string[] {
  return Object.entries(invariants).flatMap(([name, check]) => {
    const broken = check(estate);
    return broken.length === 0 ? [] : [`${name}: ${broken.join(', ')}`];
  });
}
