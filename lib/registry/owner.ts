import * as v from 'valibot';
import { ExecutionSuperseded } from '../errors.ts';
import { notNewer, notNewerValues, requireKnownVersion } from '../versions.ts';
import type { Action, Refusals, Registry } from './table.ts';

/** The execution that a subscriber's record belongs to, and that alone may change anything of the subscriber. */
export interface Owner {
  userName: string;
  executionArn: string;
}

// IAM role names, which the subscriber's name becomes part of, are unique ignoring case: so are subscribers.
export const recordKey = (userName: string) => ({ pk: `SUBSCRIBER#${userName.toLowerCase()}`, sk: 'RECORD' });

/** The part of a transaction that lets it write only while the subscriber's record belongs to this execution. */
export function ownerCheck({ tableName }: Pick<Registry, 'tableName'>, { userName, executionArn }: Owner): Action {
  return {
    ConditionCheck: {
      TableName: tableName,
      Key: recordKey(userName),
      ConditionExpression: `#executionArn = :executionArn AND ${notNewer}`,
      ExpressionAttributeNames: { '#executionArn': 'executionArn' },
      ExpressionAttributeValues: { ':executionArn': executionArn, ...notNewerValues },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  };
}

// The document client leaves the items of a cancellation as they are on the wire.
const recordSchema = v.object({ executionArn: v.object({ S: v.string() }) });

/**
 * Requires that the owner's check of a transaction has held.
 * @param place the check's place among the actions
 * @throws ExecutionSuperseded naming the execution that the record belongs to
 * @throws NewerDataVersion when newer code has written the record
 */
export function requireOwned(refused: Refusals, place: number, userName: string): void {
  if (!refused.has(place)) return;
  requireKnownVersion(refused.get(place), `The record of ${userName}`);
  const record = v.safeParse(recordSchema, refused.get(place));
  throw new ExecutionSuperseded(userName, record.success ? record.output.executionArn.S : undefined);
}
