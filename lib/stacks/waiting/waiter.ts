import { GetCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { ownerCheck, requireOwned } from '../../registry/owner.ts';
import { type Registry, readItem, writeTogether } from '../../registry/table.ts';
import { versioned } from '../../versions.ts';

const waiterSchema = v.object({
  taskToken: v.string(),
  executionArn: v.string(),
  /** For log lines; absent in waits from before it was stored. */
  userName: v.optional(v.string()),
  goal: v.picklist(['created', 'updated', 'deleted', 'settled']),
  /** Seconds since the epoch, as DynamoDB's TTL wants it. */
  expiresAt: v.number(),
});

export type Waiter = v.InferOutput<typeof waiterSchema>;

const waiterKey = (stackId: string) => ({ pk: `STACK#${stackId}`, sk: 'WAITER' });

/**
 * Stores who waits for a stack. The latest wait is the one that counts: a stack belongs to one subscriber, and so to one execution.
 * @throws ExecutionSuperseded when the subscriber is another execution's: that one's wait must stay
 */
export async function putWaiter(registry: Registry, stackId: string, userName: string, waiter: Waiter): Promise<void> {
  const { tableName } = registry;
  const { executionArn } = waiter;
  const refused = await writeTogether(registry, [
    { Put: { TableName: tableName, Item: versioned({ ...waiterKey(stackId), ...waiter, userName }) } },
    ownerCheck(registry, { userName, executionArn }),
  ]);
  requireOwned(refused, 1, userName);
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
  const waiter = readItem(waiterSchema, Item);
  return waiter.expiresAt > now.getTime() / 1000 ? waiter : undefined;
}
