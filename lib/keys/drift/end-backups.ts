import { GetCommand, paginateQuery, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { keyPk } from '../../registry/key-items.ts';
import { type Registry, unlessRefused } from '../../registry/table.ts';
import { leaseKey } from '../lease.ts';
import { policyBackupKey, policyPrefix } from '../policy-backups.ts';

const day = 24 * 60 * 60_000;

/** For how long a kept policy stays when a newer one of its key is kept: as long as CloudTrail's event history says who wrote what. */
export const keptMs = 90 * day;
/** How often the kept policies of a key are looked through: what expires in months needs no haste. */
const everyMs = day - 2 * 60 * 60_000;
/** What was written by hand is kept under the time at which it was written, and may be reported so much later. */
const lateMs = 2 * day;
/** How many are given an end in one go: the others wait for the next look at the key. */
const atMost = 200;

const lookedSchema = v.object({
  /** When the kept policies were looked through, in milliseconds since the epoch. */
  backupsEndedAt: v.optional(v.number()),
  /** From which on they are looked through: those before it have an end. In ISO 8601. */
  backupsEndedTo: v.optional(v.string(), ''),
});
const backupSchema = v.object({ id: v.string(), keptAt: v.string(), expiresAt: v.optional(v.number()) });

/**
 * Gives the kept policies of a key an end, those of earlier versions as well, but for the newest one, which has none. Apart from the writing of policies, so
 * that nobody waits for it; it may die at any place, and goes on there the next time.
 * @param now milliseconds since the epoch
 * @returns how many were given one
 */
export async function endOldBackups(registry: Registry, keyArn: string, now: number): Promise<number> {
  const { documents, tableName } = registry;
  const { Item } = await documents.send(new GetCommand({ TableName: tableName, Key: leaseKey(keyArn) }));
  // The lease of a key that somebody has deleted comes back with its next writer.
  if (Item === undefined) return 0;
  const { backupsEndedAt, backupsEndedTo } = v.parse(lookedSchema, Item);
  if (backupsEndedAt !== undefined && now < backupsEndedAt + everyMs) return 0;
  const found = await backupsSince(registry, keyArn, backupsEndedTo);
  const newest = found.at(-1);
  const endless = found.filter((backup) => backup !== newest && backup.expiresAt === undefined);
  const ended = endless.slice(0, atMost);
  for (const { id } of ended) await endBackup(registry, keyArn, id, Math.ceil((now + keptMs) / 1000));
  if (ended.length === endless.length) {
    const settled = new Date(now - lateMs).toISOString();
    const keptAt = newest?.keptAt ?? backupsEndedTo;
    await noteLook(registry, keyArn, { at: now, to: keptAt < settled ? keptAt : settled });
  }
  return ended.length;
}

/** Without the policies themselves, but they count as read all the same. */
async function backupsSince({ documents, tableName }: Registry, keyArn: string, since: string) {
  const pages = paginateQuery(
    { client: documents },
    {
      TableName: tableName,
      KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :to',
      ProjectionExpression: '#id, #keptAt, #expiresAt',
      ExpressionAttributeNames: {
        ...{ '#pk': 'pk', '#sk': 'sk', '#id': 'id' },
        ...{ '#keptAt': 'keptAt', '#expiresAt': 'expiresAt' },
      },
      ExpressionAttributeValues: {
        ...{ ':pk': keyPk(keyArn), ':from': `${policyPrefix}${since}`, ':to': `${policyPrefix}~` },
      },
    },
  );
  const found: v.InferOutput<typeof backupSchema>[] = [];
  for await (const { Items = [] } of pages) found.push(...Items.map((item) => v.parse(backupSchema, item)));
  return found;
}

async function endBackup({ documents, tableName }: Registry, keyArn: string, id: string, expiresAt: number) {
  await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: policyBackupKey(keyArn, id),
        UpdateExpression: 'SET #expiresAt = :expiresAt',
        // Somebody may have deleted it by hand: half of an item could not be read.
        ConditionExpression: 'attribute_exists(#policy) AND attribute_not_exists(#expiresAt)',
        ExpressionAttributeNames: { '#expiresAt': 'expiresAt', '#policy': 'policy' },
        ExpressionAttributeValues: { ':expiresAt': expiresAt },
      }),
    ),
  );
}

async function noteLook({ documents, tableName }: Registry, keyArn: string, { at, to }: { at: number; to: string }) {
  await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: leaseKey(keyArn),
        UpdateExpression: 'SET #at = :at, #to = :to',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeNames: { '#at': 'backupsEndedAt', '#to': 'backupsEndedTo' },
        ExpressionAttributeValues: { ':at': at, ':to': to },
      }),
    ),
  );
}
