import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateScan,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import type { Plan } from './plan.ts';

/** The registry's table and the client for it. */
export interface Registry {
  documents: DynamoDBDocumentClient;
  tableName: string;
}

const recordSchema = v.object({
  userName: v.string(),
  status: v.picklist(['ONBOARDING', 'ACTIVE', 'FAILED']),
  /** The execution that the record belongs to: only that one may write it. */
  executionArn: v.string(),
  attempts: v.array(v.object({ executionArn: v.string(), startedAt: v.string() })),
});
export type SubscriberRecord = v.InferOutput<typeof recordSchema>;

const waiterSchema = v.object({
  taskToken: v.string(),
  executionArn: v.string(),
  goal: v.picklist(['created', 'deleted', 'settled']),
  /** Seconds since the epoch, as DynamoDB's TTL wants it. */
  expiresAt: v.number(),
});
export type Waiter = v.InferOutput<typeof waiterSchema>;

// IAM role names, which the subscriber's name becomes part of, are unique ignoring case: so are subscribers.
const recordKey = (userName: string) => ({ pk: `SUBSCRIBER#${userName.toLowerCase()}`, sk: 'RECORD' });
const waiterKey = (stackId: string) => ({ pk: `STACK#${stackId}`, sk: 'WAITER' });

export async function readRecord(registry: Registry, userName: string): Promise<SubscriberRecord | undefined> {
  const { documents, tableName } = registry;
  const { Item } = await documents.send(
    new GetCommand({ TableName: tableName, Key: recordKey(userName), ConsistentRead: true }),
  );
  return Item === undefined ? undefined : v.parse(recordSchema, Item);
}

/**
 * Makes the record belong to an execution, provided that it still belongs to the one it was read with (or to none).
 * @returns false when another execution was faster
 */
export async function claimRecord(
  registry: Registry,
  plan: Plan,
  claim: { previousExecutionArn: string | undefined; now: string },
): Promise<boolean> {
  const { previousExecutionArn, now } = claim;
  return updateRecord(registry, plan.subscriber.userName, {
    set: {
      userName: plan.subscriber.userName,
      emailId: plan.subscriber.emailId,
      status: 'ONBOARDING',
      executionArn: plan.executionArn,
      startedAt: now,
      updatedAt: now,
    },
    attempt: { executionArn: plan.executionArn, startedAt: now },
    onlyIfOf: previousExecutionArn,
  });
}

/** Marks the subscriber as active; false when the record no longer belongs to this execution. */
export async function completeRecord(
  registry: Registry,
  plan: Plan,
  result: { stackId: string; roleArn: string; now: string },
): Promise<boolean> {
  return updateRecord(registry, plan.subscriber.userName, {
    set: {
      status: 'ACTIVE',
      stackId: result.stackId,
      roleArn: result.roleArn,
      keyArns: plan.keyArns,
      updatedAt: result.now,
    },
    remove: ['lastError'],
    onlyIfOf: plan.executionArn,
  });
}

/** Writes why an execution failed; false when the record belongs to another execution, which is then the one that counts. */
export async function failRecord(
  registry: Registry,
  userName: string,
  failure: { executionArn: string; name: string; step: string; message: string; remedy: string; now: string },
): Promise<boolean> {
  const { executionArn, now, ...lastError } = failure;
  return updateRecord(registry, userName, {
    set: { status: 'FAILED', lastError, updatedAt: now },
    onlyIfOf: executionArn,
  });
}

/** The executions of all records that say ONBOARDING. A scan: the registry holds a few items per subscriber, and no index is worth its writes. */
export async function* onboardingExecutions({ documents, tableName }: Registry): AsyncGenerator<string> {
  const pages = paginateScan(
    { client: documents },
    {
      TableName: tableName,
      ConsistentRead: true,
      FilterExpression: '#sk = :record AND #status = :onboarding',
      ExpressionAttributeNames: { '#sk': 'sk', '#status': 'status' },
      ExpressionAttributeValues: { ':record': 'RECORD', ':onboarding': 'ONBOARDING' },
    },
  );
  for await (const { Items = [] } of pages) {
    for (const item of Items) yield v.parse(recordSchema, item).executionArn;
  }
}

interface RecordUpdate {
  set: Record<string, unknown>;
  remove?: readonly string[];
  attempt?: { executionArn: string; startedAt: string };
  /** The execution that the record must belong to; undefined: there must be no record. */
  onlyIfOf: string | undefined;
}

async function updateRecord(
  { documents, tableName }: Registry,
  userName: string,
  update: RecordUpdate,
): Promise<boolean> {
  const { set, remove = [], attempt, onlyIfOf } = update;
  const assignments = Object.keys(set).map((name) => `#${name} = :${name}`);
  if (attempt !== undefined) assignments.push('#attempts = list_append(if_not_exists(#attempts, :none), :attempt)');
  const names = [...Object.keys(set), ...remove, ...(attempt === undefined ? [] : ['attempts'])];
  // Always named, since the condition needs it.
  const allNames = new Set([...names, 'executionArn']);
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
          onlyIfOf === undefined ? 'attribute_not_exists(#executionArn)' : '#executionArn = :onlyIfOf',
        ExpressionAttributeNames: Object.fromEntries([...allNames].map((name) => [`#${name}`, name])),
        ExpressionAttributeValues: {
          ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value])),
          ...(attempt === undefined ? {} : { ':attempt': [attempt], ':none': [] }),
          ...(onlyIfOf === undefined ? {} : { ':onlyIfOf': onlyIfOf }),
        },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

/** Stores who waits for a stack. The latest wait is the one that counts: a stack belongs to one subscriber, and so to one execution. */
export async function putWaiter({ documents, tableName }: Registry, stackId: string, waiter: Waiter): Promise<void> {
  await documents.send(new PutCommand({ TableName: tableName, Item: { ...waiterKey(stackId), ...waiter } }));
}

/** Who waits for a stack, if anybody still does. Expired items count as gone: DynamoDB deletes them up to days late. */
export async function readWaiter(
  { documents, tableName }: Registry,
  stackId: string,
  now: Date,
): Promise<Waiter | undefined> {
  const { Item } = await documents.send(
    new GetCommand({ TableName: tableName, Key: waiterKey(stackId), ConsistentRead: true }),
  );
  if (Item === undefined) return undefined;
  const waiter = v.parse(waiterSchema, Item);
  return waiter.expiresAt > now.getTime() / 1000 ? waiter : undefined;
}
