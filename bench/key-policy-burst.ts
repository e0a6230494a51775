import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IAMClient } from '@aws-sdk/client-iam';
import { GetKeyPolicyCommand, KMSClient } from '@aws-sdk/client-kms';
import { DynamoDBDocumentClient, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { patchKeyPolicy } from '../functions/patch-key-policy/patch-key-policy.ts';
import { canonical } from '../lib/keys/canonical.ts';
import { foreignStatements, isGranted, parseKeyPolicy } from '../lib/keys/key-policy.ts';
import type { KeyPolicy } from '../lib/keys/policy-document.ts';
import type { Reconciler } from '../lib/keys/reconciler.ts';
import { recordKey } from '../lib/registry/owner.ts';
import type { Sandbox } from '../sandbox/boot.ts';
import { account } from '../sandbox/core/account.ts';
import { intercepted } from './intercepted.ts';
import { readModifyWrite } from './read-modify-write.ts';

export interface Burst {
  keys: number;
  /** How many steps run at the same time, each for a role of its own; they share the keys evenly. */
  roles: number;
  writer: 'reconciler' | 'read-modify-write';
  /** Makes the run the same again, up to the order in which calls arrive. */
  seed: number;
  /** How many roles KMS does not see for four minutes. */
  hidden: number;
  /** How many roles are deleted meanwhile. */
  deleted: number;
  /** How many steps die while they have the key's lease, and are redriven a minute later. */
  killed: number;
}

export interface BurstResult {
  keys: {
    /** Policies written. */
    writes: number;
    /** Whether all statements that are not ours are as they were. */
    foreignKept: boolean;
    /** The living roles that may not use the key, though their steps succeeded or have given up. */
    lost: string[];
  }[];
  /** How many steps died. */
  died: number;
  /** The errors with which steps gave up, as `role error`. */
  gaveUp: string[];
  /** From the first start to the last end, on the sandbox's clock. */
  seconds: number;
}

const rolePrefix = 'RoleForInfinStorMlflowService-';
const putsPerSecond = 15;
/** How old a read may be. */
const staleMs = 3_000;
/** How long a call takes, at random. */
const latencyMs = { least: 5, most: 40 };
// Longer than the leases of those that die, so that the others have to go on without these roles.
const hiddenMs = 240_000;
const redriveMs = 60_000;

const foreign: KeyPolicy['Statement'] = [
  {
    Sid: 'Enable IAM User Permissions',
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${account.accountId}:root` },
    Action: 'kms:*',
    Resource: '*',
  },
  {
    Sid: 'Allow the log archive',
    Effect: 'Allow',
    Principal: { AWS: ['222222222222', '333333333333'], Service: 'logs.us-east-1.amazonaws.com' },
    Action: ['kms:Decrypt', 'kms:DescribeKey'],
    Resource: '*',
    Condition: { StringEquals: { 'kms:CallerAccount': ['222222222222', '333333333333'] } },
  },
  {
    Effect: 'Deny',
    Principal: '*',
    Action: 'kms:ScheduleKeyDeletion',
    Resource: '*',
    Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'false' } },
  },
];

/**
 * Lets many steps patch few keys at once, with what goes wrong in AWS: writes are limited, reads stale and shuffled, roles not
 * seen yet or deleted, and functions die. The steps are retried as the machine retries them. The keys and roles are made for it.
 */
export async function runBurst(sandbox: Sandbox, burst: Burst): Promise<BurstResult> {
  const { clock, iam, kms } = sandbox;
  const random = generator(burst.seed);
  const retriers = await retriersOf('PatchKeyPolicy');
  const clients = clientsOf(sandbox);
  const keyArns = Array.from({ length: burst.keys }, (_, n) => newKeyArn(burst, n));
  for (const arn of keyArns) {
    const tags = { 'infinstor-onboarding': 'allowed' };
    kms.createKey({ arn, tags, policy: { Version: '2012-10-17', Statement: foreign } });
  }
  const newRole = (n: number) => {
    const { arn, roleId, roleName } = iam.createRole({
      roleName: `${rolePrefix}s${burst.seed}-${n}`,
      assumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] },
    });
    return { roleArn: arn, roleId, roleName, userName: roleName.slice(rolePrefix.length) };
  };
  const numbers = shuffled(
    Array.from({ length: burst.roles }, (_, n) => n),
    random,
  );
  // What KMS does not see is what is newest.
  const seen = numbers.slice(burst.hidden).map(newRole);
  clock.advance(1_000);
  const hidden = numbers.slice(0, burst.hidden).map(newRole);
  for (const { roleName } of hidden) iam.hideRole(roleName, hiddenMs);
  const deleted = seen.slice(0, burst.deleted);
  const roles = shuffled([...seen, ...hidden], random);
  for (const { roleName } of deleted) clock.after(random() * 5_000, () => iam.deleteRole(roleName));

  kms.delayReads(staleMs, random);
  kms.limitPuts(putsPerSecond);
  let toKill = burst.killed;
  const gaveUp: string[] = [];
  const startedAt = clock.now();

  await Promise.all(
    roles.map(async (role, index) => {
      const keyArn = keyArns[index % keyArns.length] ?? '';
      const retries = new Map<Retrier, number>();
      for (;;) {
        const failure = await attempt(role, keyArn);
        if (failure === undefined) return;
        if (failure === 'died') {
          await clock.sleep(redriveMs);
          retries.clear();
          continue;
        }
        const retrier = retriers.find(({ ErrorEquals }) => ErrorEquals.includes(failure.name));
        const count = retrier === undefined ? 0 : (retries.get(retrier) ?? 0);
        if (retrier === undefined || count >= retrier.MaxAttempts) {
          gaveUp.push(`${role.userName} ${failure.name}`);
          return;
        }
        retries.set(retrier, count + 1);
        const delay = Math.min(retrier.IntervalSeconds * retrier.BackoffRate ** count, retrier.MaxDelaySeconds) * 1000;
        await clock.sleep(retrier.JitterStrategy === 'FULL' ? delay * random() : delay);
      }
    }),
  );
  const seconds = (clock.now() - startedAt) / 1000;
  kms.delayReads(0);
  kms.limitPuts(Number.POSITIVE_INFINITY);

  const access = { mode: 'role-arns' } as const;
  return {
    keys: keyArns.map((keyArn, key) => {
      const policy = parseKeyPolicy(JSON.stringify(kms.keyPolicy(keyArn)));
      const own = roles.filter((role, index) => index % keyArns.length === key && !deleted.includes(role));
      return {
        writes: kms.policyWrites(keyArn),
        foreignKept: canonical(foreignStatements(policy)) === canonical(foreign),
        lost: own.filter(({ roleArn }) => !isGranted(policy, roleArn, access)).map(({ userName }) => userName),
      };
    }),
    died: burst.killed - toKill,
    gaveUp: gaveUp.sort(),
    seconds,
  };

  /** Runs the step once. @returns how it failed; undefined when it did not */
  async function attempt(role: (typeof roles)[number], keyArn: string): Promise<Error | 'died' | undefined> {
    const { promise: death, resolve: die } = Promise.withResolvers<'died'>();
    // Time is only skipped while every step waits. Calls that a step makes together wait together.
    let rest = clock.busy();
    let waiting = 0;
    let isOver = false;
    const wait = async (milliseconds: number) => {
      waiting += 1;
      rest();
      await clock.sleep(milliseconds);
      waiting -= 1;
      if (waiting === 0 && !isOver) rest = clock.busy();
    };
    /** How many calls are left until it dies; undefined: it does not. */
    let callsLeft: number | undefined;
    const beforeCall = async () => {
      await wait(latencyMs.least + random() * (latencyMs.most - latencyMs.least));
      if (callsLeft !== undefined) callsLeft -= 1;
      if (callsLeft === 0) await dead();
    };
    const afterCall = async (isLease: boolean) => {
      if (callsLeft === 1 && random() < 0.5) await dead();
      if (!isLease || callsLeft !== undefined || toKill === 0 || random() < 0.8) return;
      toKill -= 1;
      callsLeft = 1 + Math.floor(random() * 6);
    };
    async function dead(): Promise<never> {
      die('died');
      return new Promise(() => {});
    }
    const reconciler = reconcilerOf(sandbox, clients, { beforeCall, afterCall, wait });
    const executionArn = `execution-of-${role.userName}`;
    // As accept-request has claimed the subscriber before.
    const record = { ...recordKey(role.userName), executionArn };
    await clients.documents.send(new PutCommand({ TableName: sandbox.registryTable, Item: record }));
    const work =
      burst.writer === 'reconciler'
        ? patchKeyPolicy(reconciler, keyArn, role, executionArn)
        : readModifyWrite(reconciler, keyArn, role.roleArn);
    const outcome = await Promise.race([
      work.then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
      ),
      death,
    ]);
    isOver = true;
    rest();
    return outcome;
  }
}

interface Interference {
  beforeCall: () => Promise<void>;
  /** @param isLease whether the call has taken a lease, or, of a writer that has none, has read the policy */
  afterCall: (isLease: boolean) => Promise<void>;
  wait: (milliseconds: number) => Promise<void>;
}

/** The clients of the packaged function, with its role's rights. */
function clientsOf({ endpoint, iam }: Sandbox) {
  const functionRole = iam.roles().find(({ roleName }) => roleName.includes('PatchKeyPolicyRole'));
  if (functionRole === undefined) throw new Error('The package has no role of patch-key-policy');
  const credentials = iam.credentials(functionRole.arn, 'patch-key-policy');
  const config = { endpoint, region: account.region, credentials };
  return {
    kms: new KMSClient(config),
    kmsOnce: new KMSClient({ ...config, maxAttempts: 1 }),
    iam: new IAMClient(config),
    documents: DynamoDBDocumentClient.from(new DynamoDBClient(config)),
  };
}

/** What one invocation of the function works with. */
function reconcilerOf(
  { clock, registryTable }: Sandbox,
  { kms, kmsOnce, iam, documents }: ReturnType<typeof clientsOf>,
  { beforeCall, afterCall, wait }: Interference,
): Reconciler {
  const interfered = <Client extends object>(client: Client) =>
    intercepted(client, async (call, command) => {
      await beforeCall();
      const answer = await call();
      await afterCall(command instanceof UpdateCommand || command instanceof GetKeyPolicyCommand);
      return answer;
    });
  return {
    kms: interfered(kms),
    kmsOnce: interfered(kmsOnce),
    iam: interfered(iam),
    registry: { documents: interfered(documents), tableName: registryTable },
    access: { mode: 'role-arns' },
    deployment: '111111111111/us-east-1/infinstor-onboarding-sandbox',
    prepareOnce: async () => {},
    remainingMs: () => 900_000,
    clock: { now: clock.now, wait },
  };
}

const retrierSchema = v.object({
  ErrorEquals: v.array(v.string()),
  IntervalSeconds: v.number(),
  BackoffRate: v.number(),
  MaxAttempts: v.number(),
  MaxDelaySeconds: v.optional(v.number(), Number.POSITIVE_INFINITY),
  JitterStrategy: v.optional(v.string()),
});
type Retrier = v.InferOutput<typeof retrierSchema>;

/** The retriers of its own that a state of the machine has. */
async function retriersOf(state: string): Promise<Retrier[]> {
  const path = join(import.meta.dirname, '..', 'statemachine', 'onboard-subscriber.asl.json');
  const machine = v.parse(
    v.object({ States: v.record(v.string(), v.object({ Retry: v.optional(v.array(retrierSchema)) })) }),
    JSON.parse(await readFile(path, 'utf8')),
  );
  return machine.States[state]?.Retry ?? [];
}

const newKeyArn = ({ seed, writer }: Burst, n: number) => {
  const id = [
    writer === 'reconciler' ? 'aaaaaaaa' : 'bbbbbbbb',
    'eeee',
    '4eee',
    '8eee',
    String(seed * 100 + n).padStart(12, '0'),
  ];
  return `arn:aws:kms:${account.region}:${account.accountId}:key/${id.join('-')}`;
};

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}

/** Random numbers from 0 to 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
