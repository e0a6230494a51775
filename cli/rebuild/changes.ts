import * as v from 'valibot';
import { executionArnOf } from '../../lib/aws/arns.ts';
import { leaseKey, listedStatus } from '../../lib/keys/lease.ts';
import type { Operation, Status } from '../../lib/subscribers/operations.ts';
import { runningStatuses, statusSchema } from '../../lib/subscribers/operations.ts';
import { requireKnownVersion, versioned } from '../../lib/versions.ts';
import type { Deployment } from '../target/deployment.ts';
import { type Found, isGrantee } from './found.ts';

/** What is compared of a record that there is. */
const recordSchema = v.looseObject({
  pk: v.string(),
  status: statusSchema,
  executionArn: v.string(),
  updatedAt: v.string(),
  attempts: v.array(v.unknown()),
  stackId: v.optional(v.string()),
  roleArn: v.optional(v.string()),
  keyArns: v.optional(v.array(v.string())),
  users: v.optional(v.array(v.string())),
  build: v.optional(v.string()),
});
const grantSchema = v.looseObject({
  pk: v.string(),
  sk: v.string(),
  roleArn: v.string(),
  roleId: v.string(),
  userName: v.string(),
  state: v.string(),
  expiresAt: v.optional(v.number()),
});

const leaseSchema = v.object({ pk: v.string(), sk: v.literal('LEASE') });

/** An item to be written, on condition that the registry still has what was read: nothing, or the item as it was. */
export interface Change {
  kind: 'record' | 'grant' | 'key';
  userName: string;
  /** In words, for people. */
  what: string;
  item: Record<string, unknown>;
  /** The item that was read; undefined: there was none. */
  previous: Readonly<Record<string, unknown>> | undefined;
}

export interface Plan {
  changes: Change[];
  /** Subscribers of whom AWS shows too little to write anything, with the reason. */
  left: { userName: string; why: string }[];
}

interface Facts {
  found: readonly Found[];
  /** Whom the policies of keys let in, by key. */
  grantees: ReadonlyMap<string, readonly string[]>;
  /** All items of the registry. */
  items: readonly unknown[];
  deployment: Pick<Deployment, 'machines'>;
  /** After the start of every execution that there was, by Step Functions' own clock. */
  now: Date;
}

/** How long a grant that was withdrawn is remembered, as after an offboarding (lib/keys/grants.ts). */
const rememberedSeconds = 60 * 60;

/**
 * What the registry lacks of what AWS shows, and what it says otherwise. An item that says the same stays as it is, so that a second time there is
 * nothing to change.
 * @throws NewerDataVersion when newer code has written an item
 */
export function planRebuild({ found, grantees, items, deployment, now }: Facts): Plan {
  const records = new Map<string, v.InferOutput<typeof recordSchema>>();
  const grants = new Map<string, v.InferOutput<typeof grantSchema>>();
  const leases = new Set<string>();
  const unlisted = new Map<string, Change>();
  for (const item of items) {
    requireKnownVersion(item, 'An item of the registry');
    const record = v.safeParse(recordSchema, item);
    if (record.success && record.output.pk.startsWith('SUBSCRIBER#')) records.set(record.output.pk, record.output);
    const grant = v.safeParse(grantSchema, item);
    if (grant.success && grant.output.sk.startsWith('GRANT#'))
      grants.set(`${grant.output.pk} ${grant.output.roleArn}`, grant.output);
    const lease = v.safeParse(leaseSchema, item);
    if (lease.success) leases.add(lease.output.pk);
  }
  const plan: Plan = { changes: [], left: [] };
  for (const subscriber of found) {
    const { name, stack, credentials } = subscriber;
    const previous = records.get(`SUBSCRIBER#${name}`);
    if (stack === undefined && credentials === 'kept' && previous === undefined) {
      const why =
        'has credentials, and no stack where it was looked for: its onboarding has failed, or its stack is in another account or Region (--also)';
      plan.left.push({ userName: name, why });
      continue;
    }
    if (stack === undefined && credentials !== 'leaving') continue;
    const { role } = stack ?? {};
    const keyArns = stack === undefined ? [] : keysOf(subscriber, grantees);
    const isWhole = stack?.isLive === true && role !== undefined && stack.keyArns.every((key) => keyArns.includes(key));
    const status = stack === undefined ? 'OFFBOARDED' : isWhole ? 'ACTIVE' : 'FAILED';
    const change = recordChange({ subscriber, status, keyArns, previous, deployment, now });
    if (change !== undefined) plan.changes.push(change);
    const userName = stack?.userName ?? name;
    for (const keyArn of role === undefined ? [] : keyArns) {
      const pk = `KEY#${keyArn}`;
      const known = grants.get(`${pk} ${role?.roleArn}`);
      if (!leases.has(pk)) unlisted.set(pk, listing(keyArn, userName));
      if (known?.state === 'applied' && known.roleId === role?.roleId) continue;
      const grant = { ...role, userName, state: 'applied', refused: false };
      const item = versioned({ pk, sk: `GRANT#${role?.roleArn}`, ...grant });
      plan.changes.push({ kind: 'grant', userName, what: `${role?.roleArn} may use ${keyArn}`, item, previous: known });
    }
    if (stack === undefined) plan.changes.push(...withdrawals(name, { grants: [...grants.values()], grantees, now }));
  }
  // After the grants: what the check for drift finds of a key, it compares with all of them.
  plan.changes.push(...unlisted.values());
  return plan;
}

/** Puts a key among those that the check for drift looks at: without a lease, it would find it within a week (lib/keys/known-keys.ts). */
const listing = (keyArn: string, userName: string): Change => ({
  kind: 'key',
  userName,
  what: `${keyArn} is checked for drift`,
  item: versioned({ ...leaseKey(keyArn), status: listedStatus }),
  previous: undefined,
});

/** The keys whose policies let the subscriber's role in. */
function keysOf({ stack }: Found, grantees: Facts['grantees']): string[] {
  const roleArn = stack?.role?.roleArn;
  if (roleArn === undefined) return [];
  return [...grantees].flatMap(([keyArn, some]) => {
    // A pattern says nothing of whose key it is: only a key that the stack names is meant.
    const isMeant = stack?.keyArns.includes(keyArn) === true ? isGrantee(roleArn, some) : some.includes(roleArn);
    return isMeant ? [keyArn] : [];
  });
}

interface RecordFacts {
  subscriber: Found;
  status: Extract<Status, 'ACTIVE' | 'FAILED' | 'OFFBOARDED'>;
  keyArns: string[];
  previous: v.InferOutput<typeof recordSchema> | undefined;
  deployment: Pick<Deployment, 'machines'>;
  now: Date;
}

const same = (some: readonly string[], others: readonly string[]) => {
  const lower = (list: readonly string[]) => [...new Set(list.map((each) => each.toLowerCase()))].toSorted().join(' ');
  return lower(some) === lower(others);
};

function recordChange(facts: RecordFacts): Change | undefined {
  const { subscriber, status, keyArns, previous, deployment, now } = facts;
  const { name, stack, users } = subscriber;
  const { stackId, home, tags, role } = stack ?? {};
  // What has failed, the record knows better than AWS shows it, as long as the stack is the same one; an onboarding that failed may have
  // recorded none.
  const stands = previous?.status === 'FAILED' && status !== 'OFFBOARDED' ? 'FAILED' : status;
  // An update of the stack that the record does not know may have brought another template, and nothing in AWS says which build that is.
  const knowsBuild =
    stack !== undefined && stackId === previous?.stackId && (stack.updatedAt ?? '') <= (previous?.updatedAt ?? '');
  const isSame =
    previous !== undefined &&
    previous.status === stands &&
    (previous.build === undefined || knowsBuild) &&
    (previous.stackId === stackId || (stands === 'FAILED' && previous.stackId === undefined)) &&
    (stands !== 'ACTIVE' ||
      (previous.roleArn === role?.roleArn &&
        same(previous.keyArns ?? [], keyArns) &&
        same(previous.users ?? [], users)));
  if (isSame) return undefined;
  const userName = stack?.userName ?? (typeof previous?.userName === 'string' ? previous.userName : name);
  const operation: Operation = status === 'OFFBOARDED' ? 'offboard-subscriber' : 'onboard-subscriber';
  // As of an execution that Step Functions has forgotten: whatever began before it is superseded.
  const executionArn = executionArnOf(deployment.machines[operation], `rebuilt-${name}-${now.getTime().toString(36)}`);
  const at = now.toISOString();
  const gone = new Set([
    ...['stackId', 'roleArn', 'keyArns', 'users', 'lastError'],
    ...(knowsBuild ? [] : ['build', 'templateSha256']),
  ]);
  const kept = Object.entries(previous ?? {}).filter(([attribute]) => !gone.has(attribute));
  const isRunning = previous !== undefined && runningStatuses.includes(previous.status);
  return {
    kind: 'record',
    userName,
    what: [
      previous === undefined ? `${stands}, which was not there` : `${stands} in place of ${previous.status}`,
      ...(isRunning ? ['nothing runs'] : []),
      ...(stackId === undefined ? [] : [`stack ${stackId}`]),
    ].join(', '),
    previous,
    item: versioned({
      ...Object.fromEntries(kept),
      ...{ pk: `SUBSCRIBER#${name}`, sk: 'RECORD', userName, status: stands, executionArn, updatedAt: at },
      attempts: [...(previous?.attempts ?? []).slice(-49), { executionArn, startedAt: at }],
      ...(stack !== undefined && { stackId, home, tags }),
      ...(role !== undefined && status !== 'OFFBOARDED' && { roleArn: role.roleArn, keyArns }),
      ...(users.length > 0 && status !== 'OFFBOARDED' && { users: spelled(users, previous?.users ?? []) }),
    }),
  };
}

/** The users, as the record spells those that it knows. */
const spelled = (users: readonly string[], known: readonly string[]) =>
  users.map((user) => known.find((each) => each.toLowerCase() === user) ?? user);

/** The grants of a subscriber that is gone: no policy names its role any more. */
function withdrawals(
  name: string,
  {
    grants,
    grantees,
    now,
  }: { grants: readonly v.InferOutput<typeof grantSchema>[]; grantees: Facts['grantees']; now: Date },
): Change[] {
  return grants.flatMap((grant) => {
    const keyArn = grant.pk.slice('KEY#'.length);
    const isTheirs = grant.userName.toLowerCase() === name && grant.expiresAt === undefined;
    if (!isTheirs || grantees.get(keyArn)?.includes(grant.roleArn) === true) return [];
    const expiresAt = Math.ceil(now.getTime() / 1000) + rememberedSeconds;
    const item = versioned({ ...grant, state: 'withdrawn', refused: false, expiresAt });
    return [
      {
        kind: 'grant',
        userName: grant.userName,
        what: `${grant.roleArn} may use ${keyArn} no more`,
        item,
        previous: grant,
      },
    ];
  });
}
