import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { keyPk } from '../registry/key-items.ts';
import { type Registry, readItem, unlessRefused } from '../registry/table.ts';
import { notNewer, notNewerValues, requireKnownVersion } from '../versions.ts';

/** How long a holder that dies keeps the others waiting. */
export const leaseMs = 30_000;

/** What is known of the last policy that was written, so that a read that is older is found out. */
const writtenSchema = v.object({
  /** The hash of our statements in it. */
  statementsHash: v.string(),
  /** Milliseconds since the epoch. */
  writtenAt: v.number(),
});

export type Written = v.InferOutput<typeof writtenSchema>;

export const leaseKey = (keyArn: string) => ({ pk: keyPk(keyArn), sk: 'LEASE' });

/**
 * The status of each key's lease, by which the index by status has all keys. No subscriber has this status, and no subscriber's name is a key's: what reads
 * subscribers there, also in a function of an earlier version, finds none of them.
 */
export const listedStatus = 'KEY';

/** The time that a lease is good for, in milliseconds since the epoch. */
export interface Lease {
  /** Unique for each invocation: a repeated one is another owner. */
  owner: string;
  until: number;
}

/**
 * Takes the key's lease. What is known of the last policy written goes with it, until `releaseLease` brings it back: a holder
 * that dies in between may have written another.
 * @param now milliseconds since the epoch
 * @returns what was known; undefined when somebody else has the lease
 * @throws NewerDataVersion
 */
export async function takeLease(
  { documents, tableName }: Registry,
  keyArn: string,
  { owner, until }: Lease,
  now: number,
): Promise<{ written: Written | undefined } | undefined> {
  const taken = await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: leaseKey(keyArn),
        UpdateExpression:
          'SET schemaVersion = :dataVersion, #owner = :owner, #until = :until, #status = :listed REMOVE #written',
        ConditionExpression: `(attribute_not_exists(#owner) OR #owner = :owner OR #until < :now) AND ${notNewer}`,
        // Not `expiresAt`, by which DynamoDB deletes items.
        ExpressionAttributeNames: {
          '#owner': 'owner',
          '#until': 'leasedUntil',
          '#written': 'written',
          '#status': 'status',
        },
        ExpressionAttributeValues: {
          ':owner': owner,
          ':until': until,
          ':now': now,
          ':listed': listedStatus,
          ...notNewerValues,
        },
        ReturnValues: 'ALL_OLD',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    ),
    (item) => requireKnownVersion(item, `The lease of key ${keyArn}`),
  );
  if (taken === undefined) return undefined;
  const { written } = v.parse(v.object({ written: v.optional(writtenSchema) }), taken.Attributes ?? {});
  return { written };
}

/** Gives the lease back, with what is known of the last policy written; nothing when somebody else has it meanwhile. */
export async function releaseLease(
  { documents, tableName }: Registry,
  keyArn: string,
  { owner }: Pick<Lease, 'owner'>,
  written: Written | undefined,
): Promise<void> {
  await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: leaseKey(keyArn),
        UpdateExpression: `${written === undefined ? '' : 'SET #written = :written '}REMOVE #owner, #until`,
        ConditionExpression: '#owner = :owner',
        ExpressionAttributeNames: {
          '#owner': 'owner',
          '#until': 'leasedUntil',
          ...(written !== undefined && { '#written': 'written' }),
        },
        ExpressionAttributeValues: { ':owner': owner, ...(written !== undefined && { ':written': written }) },
      }),
    ),
  );
}

/**
 * What the key's lease says: until when somebody has it, in milliseconds since the epoch, and what is known of the last policy
 * written, which is nothing while somebody has it or has died with it.
 * @returns undefined for a key whose policy was never written, nor was to be
 */
export async function readLease(
  { documents, tableName }: Registry,
  keyArn: string,
): Promise<{ leasedUntil: number | undefined; written: Written | undefined } | undefined> {
  const { Item } = await documents.send(
    new GetCommand({ TableName: tableName, Key: leaseKey(keyArn), ConsistentRead: true }),
  );
  if (Item === undefined) return undefined;
  const { leasedUntil, written } = readItem(
    v.object({ leasedUntil: v.optional(v.number()), written: v.optional(writtenSchema) }),
    Item,
  );
  return { leasedUntil, written };
}
