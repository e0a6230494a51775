import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import type { Registry } from '../registry/table.ts';

const waiterSchema = v.object({
  taskToken: v.string(),
  executionArn: v.string(),
  goal: v.picklist(['created', 'deleted', 'settled']),
  /** Seconds since the epoch, as DynamoDB's TTL wants it. */
  expiresAt: v.number(),
});

export type Waiter = v.InferOutput<typeof waiterSchema>;

const waiterKey = (stackId: string) => ({ pk: `STACK#${stackId}`, sk: 'WAITER' });

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
