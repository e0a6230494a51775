import { GetCommand, PutCommand, paginateQuery, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { keyPk, queryKey } from '../registry/key-items.ts';
import { type Registry, readItem, unlessRefused } from '../registry/table.ts';
import { versioned } from '../versions.ts';

/** A policy as it was before somebody wrote over it. */
export const policyBackupSchema = v.object({
  /** Identifies it among the key's; sorts by time. */
  id: v.string(),
  /** ISO 8601. */
  keptAt: v.string(),
  /** The hash of its canonical form. */
  hash: v.string(),
  /** The document as KMS returned it. */
  policy: v.string(),
  /** The execution that wrote over it, or the principal who had written it by hand. */
  by: v.string(),
  /** The CloudTrail event that reported it, for a policy that was written by hand. */
  eventId: v.optional(v.string()),
  /** False when nobody has written over it after all; otherwise somebody has, or died before it was known. */
  overwritten: v.optional(v.literal(false)),
});
export type PolicyBackup = v.InferOutput<typeof policyBackupSchema>;

export const policyPrefix = 'POLICY#';
export const policyBackupKey = (keyArn: string, id: string) => ({ pk: keyPk(keyArn), sk: `${policyPrefix}${id}` });

/**
 * Stores a backup of a policy, to be read or restored. It has no end while it is the newest of its key: `endOldBackups` gives it one when there is a newer one.
 * @returns its id
 */
export async function backUpPolicy(
  { documents, tableName }: Registry,
  keyArn: string,
  kept: Omit<PolicyBackup, 'id' | 'overwritten'> & { owner: string },
): Promise<string> {
  const { owner, ...rest } = kept;
  const id = `${kept.keptAt}#${owner}`;
  await documents.send(
    new PutCommand({ TableName: tableName, Item: versioned({ ...policyBackupKey(keyArn, id), id, ...rest }) }),
  );
  return id;
}

/** Marks a kept policy as one that was not written over: KMS has refused every write, or none was sent. */
export async function markNotOverwritten(
  { documents, tableName }: Registry,
  keyArn: string,
  id: string,
): Promise<void> {
  await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: policyBackupKey(keyArn, id),
        UpdateExpression: 'SET #overwritten = :no',
        // Somebody may have deleted it by hand: half of an item could not be read.
        ConditionExpression: 'attribute_exists(#policy)',
        ExpressionAttributeNames: { '#overwritten': 'overwritten', '#policy': 'policy' },
        ExpressionAttributeValues: { ':no': false },
      }),
    ),
  );
}

const endSchema = v.object({
  /** When DynamoDB may remove it, in seconds since the epoch, which it does up to days late. */
  expiresAt: v.optional(v.number(), Number.POSITIVE_INFINITY),
});

/** Whether an item has not expired. */
const isKept = (item: unknown, now: number): boolean => v.parse(endSchema, item).expiresAt > now / 1000;

/**
 * A policy that was kept of a key, by its id; undefined when there is none, or none any more.
 * @param now milliseconds since the epoch
 */
export async function readPolicyBackup(
  { documents, tableName }: Registry,
  keyArn: string,
  id: string,
  now = Date.now(),
): Promise<PolicyBackup | undefined> {
  const { Item } = await documents.send(
    new GetCommand({ TableName: tableName, Key: policyBackupKey(keyArn, id), ConsistentRead: true }),
  );
  return Item === undefined || !isKept(Item, now) ? undefined : readItem(policyBackupSchema, Item);
}

/**
 * The policies that were kept of a key, the oldest first.
 * @param since only those that were kept then or later, in ISO 8601
 * @param now milliseconds since the epoch
 */
export async function readPolicyBackups(
  registry: Registry,
  keyArn: string,
  since = '',
  now = Date.now(),
): Promise<PolicyBackup[]> {
  const items = await queryKey(registry, keyArn, policyPrefix, since);
  return items.filter((item) => isKept(item, now)).map((item) => readItem(policyBackupSchema, item));
}

/** How many policies were kept of a key, without reading what they say. */
export async function countPolicyBackups(
  { documents, tableName }: Registry,
  keyArn: string,
  now = Date.now(),
): Promise<number> {
  const pages = paginateQuery(
    { client: documents },
    {
      TableName: tableName,
      Select: 'COUNT',
      KeyConditionExpression: '#pk = :pk AND begins_with(#sk, :prefix)',
      FilterExpression: 'attribute_not_exists(#expiresAt) OR #expiresAt > :now',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk', '#expiresAt': 'expiresAt' },
      ExpressionAttributeValues: { ':pk': keyPk(keyArn), ':prefix': policyPrefix, ':now': now / 1000 },
    },
  );
  let count = 0;
  for await (const { Count = 0 } of pages) count += Count;
  return count;
}
