import { setTimeout as wait } from 'node:timers/promises';
import { BatchGetCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import type { Registry } from './table.ts';

/** How many items a call may ask for (API reference, BatchGetItem). */
export const maxBatch = 100;

/** The pauses before what DynamoDB has not read is asked for again: on the average half of these. */
const unreadMs = [50, 100, 200, 400] as const;

const keyedSchema = v.looseObject({ pk: v.string() });
const keysSchema = v.array(keyedSchema);

/**
 * The records of subscribers as they are, read consistently.
 * @param pks their partition keys, at most `maxBatch`, each once
 * @returns by partition key those that there are
 * @throws Error when DynamoDB leaves some of them unread for as long as they are asked for
 */
export async function readRecords(
  { documents, tableName }: Registry,
  pks: readonly string[],
): Promise<ReadonlyMap<string, unknown>> {
  const found = new Map<string, unknown>();
  let unread = pks.map((pk) => ({ pk, sk: 'RECORD' }));
  for (const pause of [...unreadMs, undefined]) {
    if (unread.length === 0) return found;
    const { Responses, UnprocessedKeys } = await documents.send(
      new BatchGetCommand({ RequestItems: { [tableName]: { Keys: unread, ConsistentRead: true } } }),
    );
    for (const item of v.parse(keysSchema, Responses?.[tableName] ?? [])) found.set(item.pk, item);
    unread = v.parse(keysSchema, UnprocessedKeys?.[tableName]?.Keys ?? []).map(({ pk }) => ({ pk, sk: 'RECORD' }));
    if (unread.length > 0 && pause !== undefined) await wait(pause * Math.random());
  }
  if (unread.length === 0) return found;
  throw new Error(`DynamoDB has left ${unread.length} of ${pks.length} records unread`);
}
