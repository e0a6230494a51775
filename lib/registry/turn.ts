import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import type { Registry } from './table.ts';

// Of the requests that come through the HTTP API for one subscriber in the same moment, one has its turn. It is an item of its own, and nothing but a
// hint to the other requests: the record's claim by the execution's first step is the lock.

/** How long a turn counts whose execution nobody has seen: a function behind the HTTP API runs for 29 s, and the refused are asked to wait so long. */
const unseenMs = 30_000;
/** DynamoDB removes it some time after this. By then the execution has claimed the record, or is over. */
const keptMs = 24 * 60 * 60_000;

const turnSchema = v.object({
  /** The execution that is started, or is about to be. */
  executionArn: v.string(),
  /** Until when it may still be started, in ISO 8601. */
  until: v.string(),
});
export type Turn = v.InferOutput<typeof turnSchema>;

// A key that no other item has, so that a function may be allowed to write turns alone (dynamodb:LeadingKeys).
const keyOf = (userName: string) => ({ pk: `TURN#${userName.toLowerCase()}`, sk: 'TURN' });

/** The latest turn of a subscriber. */
export async function readTurn({ documents, tableName }: Registry, userName: string): Promise<Turn | undefined> {
  const { Item } = await documents.send(
    new GetCommand({ TableName: tableName, Key: keyOf(userName), ConsistentRead: true }),
  );
  return Item === undefined ? undefined : v.parse(turnSchema, Item);
}

/** Whether the execution of a turn that Step Functions does not know may still be started. */
export const mayStart = ({ until }: Turn, now: Date): boolean => now.getTime() < Date.parse(until);

const takenSchema = v.object({ executionArn: v.object({ S: v.string() }) });

/**
 * Gives the turn to an execution that is started next, provided that it is still the one that was read with (or none). A call that dies after
 * this leaves a turn that others wait for until it is known that nothing was started with it; the same call again has it already.
 * @returns the execution that has the turn: this one, or the one that was faster
 */
export async function takeTurn(
  { documents, tableName }: Registry,
  userName: string,
  { executionArn, seen, now }: { executionArn: string; seen: Turn | undefined; now: Date },
): Promise<string> {
  try {
    await documents.send(
      new PutCommand({
        TableName: tableName,
        Item: {
          ...keyOf(userName),
          executionArn,
          until: new Date(now.getTime() + unseenMs).toISOString(),
          expiresAt: Math.ceil((now.getTime() + keptMs) / 1000),
        },
        ConditionExpression: seen === undefined ? 'attribute_not_exists(pk)' : 'executionArn = :seen',
        ...(seen !== undefined && { ExpressionAttributeValues: { ':seen': seen.executionArn } }),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return executionArn;
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    // Of an error the document client leaves the item as it is on the wire. Without it DynamoDB has removed the turn in this moment.
    const taken = v.safeParse(takenSchema, error.Item);
    return taken.success ? taken.output.executionArn.S : executionArn;
  }
}
