import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import type { AccountRegion } from '../aws/arns.ts';
import type { Origin } from '../plans/origin.ts';
import { recordKey } from '../registry/owner.ts';
import { type Registry, readItem } from '../registry/table.ts';
import { dataVersion, notNewer, notNewerValues } from '../versions.ts';
import { operationOf, operations, statusSchema } from './operations.ts';
import { shortened } from './shortened.ts';

const errorSchema = v.object({ name: v.string(), step: v.optional(v.string()), message: v.string() });

const attemptSchema = v.object({
  executionArn: v.string(),
  /** When the execution was started, as Step Functions has it; in older records, when it claimed the subscriber. */
  startedAt: v.string(),
  /** How it ended, as the claim of the attempt after it found. Of the latest attempt the record itself says so. */
  endedAt: v.optional(v.string()),
  // Older records have the subscriber's status here.
  status: v.optional(
    v.pipe(
      v.picklist(['SUCCEEDED', 'FAILED', 'ACTIVE', 'OFFBOARDED']),
      v.transform((status) => (status === 'FAILED' ? 'FAILED' : 'SUCCEEDED')),
    ),
  ),
  error: v.optional(errorSchema),
  // Who asked for it; absent in attempts that were started directly, and in older records.
  requestedBy: v.optional(v.string()),
  correlationId: v.optional(v.string()),
});

export type Attempt = v.InferOutput<typeof attemptSchema>;

/** What was left of a subscriber's stack: not everything that a template makes goes with it. */
export const retainedSchema = v.object({ logicalId: v.string(), type: v.string(), physicalId: v.string() });

export type Retained = v.InferOutput<typeof retainedSchema>;

/** A pattern of roles that an offboarding has left in a key's policy, as it may be another deployment's. */
export const keptPatternSchema = v.object({ keyArn: v.string(), pattern: v.string() });

export type KeptPattern = v.InferOutput<typeof keptPatternSchema>;

/** Whether a resource is one of these, by what CloudFormation and its service call it. */
export function isAmong(
  resources: readonly Pick<Retained, 'type' | 'physicalId'>[],
  { type, physicalId }: Retained,
): boolean {
  return resources.some((each) => each.type === type && each.physicalId === physicalId);
}

const creatingMarkSchema = v.object({
  executionArn: v.string(),
  /** Which invocation of the execution's function it was. */
  invocationId: v.string(),
  /** When, in ISO 8601. */
  at: v.string(),
  emailId: v.string(),
  /** The secret with the password that was sent; absent: the credentials secret has it. */
  passwordSecretId: v.optional(v.string()),
});

export type CreatingMark = v.InferOutput<typeof creatingMarkSchema>;

const recordSchema = v.object({
  userName: v.string(),
  emailId: v.optional(v.string()),
  /** Where its stack is, or was to be; absent in records of before there was a choice of accounts. */
  home: v.optional(v.object({ accountId: v.string(), region: v.string() })),
  status: statusSchema,
  /** The execution that the record belongs to: only that one may write it. */
  executionArn: v.string(),
  updatedAt: v.string(),
  attempts: v.array(attemptSchema),
  /** That add_subscriber was called, or was about to be, and its answer is not known. */
  creating: v.optional(creatingMarkSchema),
  /** Why the latest attempt failed; absent when it did not. */
  lastError: v.optional(v.object({ ...errorSchema.entries, remedy: v.string() })),
  /**
   * When the execution that the record belongs to failed last, also after a redrive of it has succeeded: by that the events of its
   * outcomes differ. Absent when it has not failed, and in records of before it was kept.
   */
  failedAt: v.optional(v.string()),
  stackId: v.optional(v.string()),
  /** The build of the vendor's template that the stack is of, and the hash of that template; absent in records of before they were kept. */
  build: v.optional(v.string()),
  templateSha256: v.optional(v.string()),
  /** The tags that the latest onboarding request asked for; absent in records of before they were kept. */
  tags: v.optional(v.record(v.string(), v.string())),
  /** Stacks from before that one that no offboarding has dealt with to its end: what they have left is still to be reported. */
  formerStackIds: v.optional(v.array(v.string())),
  roleArn: v.optional(v.string()),
  keyArns: v.optional(v.array(v.string())),
  /** The keys that onboardings have asked for, up to this one: asked-keys.ts says when they are all. Absent in records of before they were kept. */
  asked: v.optional(v.object({ through: v.string(), keyArns: v.array(v.string()) })),
  /** When the custom token ends, in ISO 8601; absent when that is not known. */
  customTokenExpiresAt: v.optional(v.string()),
  /** The users who were added under the subscriber. */
  users: v.optional(v.array(v.string())),
  /** What the latest offboarding took away, and what it left. It stays when the subscriber is onboarded again. */
  offboarded: v.optional(
    v.object({
      stackId: v.optional(v.string()),
      keyArns: v.array(v.string()),
      /** Absent in records of before it was kept. */
      keptPatterns: v.optional(v.array(keptPatternSchema)),
      retained: v.array(retainedSchema),
      users: v.optional(v.array(v.string())),
    }),
  ),
});

export type SubscriberRecord = v.InferOutput<typeof recordSchema>;

/** All that the sweep needs of a record, and all of it that the index by status has. */
export const sweptSchema = v.pick(recordSchema, ['executionArn', 'status', 'updatedAt']);

export type SweptRecord = v.InferOutput<typeof sweptSchema>;

/** What a list shows of a record. */
export const listedSchema = v.omit(recordSchema, [
  'asked',
  'creating',
  'offboarded',
  'tags',
  'formerStackIds',
  'failedAt',
]);

export type ListedRecord = v.InferOutput<typeof listedSchema>;

/** By what a list chooses records: the index by status has it. */
export const indexedSchema = v.intersect([
  v.pick(recordSchema, ['executionArn', 'status', 'updatedAt', 'home']),
  v.object({ pk: v.string() }),
]);

/** The earlier stacks that are still to be reported when this one is the subscriber's: nothing, when there are none. */
export function withFormerStacks(
  record: Pick<SubscriberRecord, 'stackId' | 'formerStackIds'> | undefined,
  stackId: string | undefined,
): { formerStackIds?: string[] } {
  const known = [...(record?.formerStackIds ?? []), ...(record?.stackId === undefined ? [] : [record.stackId])];
  const formerStackIds = [...new Set(known)].filter((former) => former !== stackId);
  return formerStackIds.length === 0 ? {} : { formerStackIds };
}

/** An item of DynamoDB has 400 KB, and nobody reads further back. */
const maxAttempts = 50;
/** A cause has up to 32 KB (API reference, FailExecution): of that, 50 attempts would not fit into an item. */
const maxMessageBytes = 1024;

const withShortMessage = (attempt: Attempt): Attempt =>
  attempt.error === undefined
    ? attempt
    : { ...attempt, error: { ...attempt.error, message: shortened(attempt.error.message, maxMessageBytes) } };

export async function readRecord(registry: Registry, userName: string): Promise<SubscriberRecord | undefined> {
  const { documents, tableName } = registry;
  const { Item } = await documents.send(
    new GetCommand({ TableName: tableName, Key: recordKey(userName), ConsistentRead: true }),
  );
  return Item === undefined ? undefined : readItem(recordSchema, Item);
}

/** The execution that is to have the subscriber for itself, and what it knows better than the record. */
export interface Claimed {
  userName: string;
  executionArn: string;
  /** Where its stack is to be; default: where it is. */
  home?: AccountRegion;
  /** The tags that its stack is to have; default: those that it has. */
  tags?: Record<string, string>;
  stackId?: string;
  formerStackIds?: string[];
  keyArns?: string[];
  /** The keys that have been asked for, with those that it will ask for. */
  asked?: NonNullable<SubscriberRecord['asked']>;
}

/**
 * Makes the record belong to an execution, provided that it still belongs to the one it was read with (or to none). How the
 * attempt before ended goes into the history of attempts.
 * @param startedAt when the execution was started; default: now
 * @param origin who asked for it
 * @returns false when another execution was faster
 */
export async function claimRecord(
  registry: Registry,
  claimed: Claimed,
  {
    previousExecutionArn,
    attempts,
    startedAt,
    now,
    origin,
  }: {
    previousExecutionArn: string | undefined;
    attempts: readonly Attempt[];
    startedAt?: string;
    now: string;
    origin?: Origin | undefined;
  },
): Promise<boolean> {
  const { userName, executionArn } = claimed;
  return updateRecord(registry, userName, {
    set: {
      ...claimed,
      status: operations[operationOf(executionArn)].running,
      updatedAt: now,
      attempts: [
        ...attempts.slice(1 - maxAttempts).map(withShortMessage),
        { executionArn, startedAt: startedAt ?? now, ...origin },
      ],
    },
    remove: ['lastError', 'failedAt'],
    onlyIfOf: previousExecutionArn,
  });
}

/**
 * Writes that an execution has succeeded, and what came of it (undefined: that is no longer known); false when the record no longer belongs to this execution.
 */
export async function completeRecord(
  registry: Registry,
  { userName, executionArn }: { userName: string; executionArn: string },
  {
    now,
    ...result
  }: Partial<
    Pick<
      SubscriberRecord,
      | 'emailId'
      | 'stackId'
      | 'build'
      | 'templateSha256'
      | 'formerStackIds'
      | 'roleArn'
      | 'keyArns'
      | 'customTokenExpiresAt'
      | 'users'
      | 'offboarded'
    >
  > & {
    now: string;
  },
): Promise<boolean> {
  return updateRecord(registry, userName, {
    set: {
      status: operations[operationOf(executionArn)].succeeded,
      ...Object.fromEntries(Object.entries(result).filter(([, value]) => value !== undefined)),
      updatedAt: now,
    },
    remove: ['lastError', ...Object.entries(result).flatMap(([name, value]) => (value === undefined ? [name] : []))],
    onlyIfOf: executionArn,
  });
}

/** Writes which users there are under a subscriber; false when the record no longer belongs to this execution. */
export async function recordUsers(
  registry: Registry,
  { userName, executionArn }: { userName: string; executionArn: string },
  { users, now }: { users: string[]; now: string },
): Promise<boolean> {
  return updateRecord(registry, userName, { set: { users, updatedAt: now }, onlyIfOf: executionArn });
}

/**
 * Writes what an offboarding took away, in place of what the subscriber had; false when the record belongs to another execution.
 * The status is written last of all, by `closeRecord`: until then the sweep looks for an execution that has died.
 */
export async function emptyRecord(
  registry: Registry,
  { subscriber, executionArn }: { subscriber: { userName: string }; executionArn: string },
  { offboarded, now }: { offboarded: NonNullable<SubscriberRecord['offboarded']>; now: string },
): Promise<boolean> {
  return updateRecord(registry, subscriber.userName, {
    set: { offboarded, updatedAt: now },
    remove: [
      'stackId',
      'build',
      'templateSha256',
      'formerStackIds',
      'roleArn',
      'keyArns',
      'customTokenExpiresAt',
      'users',
    ],
    onlyIfOf: executionArn,
  });
}

/** Marks the subscriber as offboarded; false when the record belongs to another execution. */
export async function closeRecord(
  registry: Registry,
  { subscriber, executionArn }: { subscriber: { userName: string }; executionArn: string },
  now: string,
): Promise<boolean> {
  return updateRecord(registry, subscriber.userName, {
    set: { status: 'OFFBOARDED', updatedAt: now },
    remove: ['lastError'],
    onlyIfOf: executionArn,
  });
}

/**
 * Writes why an execution failed, and how the subscriber stands then; false when the record belongs to another execution, which is then the
 * one that counts.
 */
export async function failRecord(
  registry: Registry,
  userName: string,
  failure: { executionArn: string; name: string; step: string; message: string; remedy: string; now: string },
): Promise<boolean> {
  const { executionArn, now, ...lastError } = failure;
  return updateRecord(registry, userName, {
    set: { status: operations[operationOf(executionArn)].failed, lastError, failedAt: now, updatedAt: now },
    onlyIfOf: executionArn,
  });
}

interface RecordUpdate {
  set: Record<string, unknown>;
  remove?: readonly string[];
  /** The execution that the record must belong to; undefined: there must be no record. */
  onlyIfOf: string | undefined;
}

async function updateRecord(
  { documents, tableName }: Registry,
  userName: string,
  update: RecordUpdate,
): Promise<boolean> {
  const { remove = [], onlyIfOf } = update;
  const set = { ...update.set, schemaVersion: dataVersion };
  const assignments = Object.keys(set).map((name) => `#${name} = :${name}`);
  // executionArn is always named, since the condition needs it.
  const names = new Set([...Object.keys(set), ...remove, 'executionArn']);
  try {
    await documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: recordKey(userName),
        UpdateExpression: [
          `SET ${assignments.join(', ')}`,
          ...(remove.length > 0 ? [`REMOVE ${remove.map((name) => `#${name}`).join(', ')}`] : []),
        ].join(' '),
        ConditionExpression:
          onlyIfOf === undefined ? 'attribute_not_exists(#executionArn)' : `#executionArn = :onlyIfOf AND ${notNewer}`,
        ExpressionAttributeNames: Object.fromEntries([...names].map((name) => [`#${name}`, name])),
        ExpressionAttributeValues: {
          ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value])),
          ...(onlyIfOf === undefined ? {} : { ':onlyIfOf': onlyIfOf, ...notNewerValues }),
        },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
