import { GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import type { Registry } from '../../lib/registry/table.ts';

/** A quota of an account, in a Region where that counts. */
interface Quota {
  accountId: string;
  region: string;
  quotaCode: string;
}

/** It says something for its day alone. */
const keptSeconds = 2 * 24 * 60 * 60;

const keyOf = ({ accountId, region, quotaCode }: Quota) => ({
  pk: `QUOTA#${accountId}`,
  sk: `ANNOUNCED#${quotaCode}#${region}`,
});

/** The day, such as `2026-01-15`, on which it was announced last that a quota is nearly exhausted; undefined: on none of the last days. */
export async function announcedOn({ documents, tableName }: Registry, quota: Quota): Promise<string | undefined> {
  const { Item } = await documents.send(
    new GetCommand({ TableName: tableName, Key: keyOf(quota), ConsistentRead: true }),
  );
  return Item === undefined ? undefined : v.parse(v.object({ day: v.string() }), Item).day;
}

/** Remembers that it was announced. Without a condition: of two checks at the same time both have published the same event. */
export async function rememberAnnounced(
  { documents, tableName }: Registry,
  quota: Quota,
  { day, now }: { day: string; now: Date },
): Promise<void> {
  const expiresAt = Math.ceil(now.getTime() / 1000) + keptSeconds;
  await documents.send(new PutCommand({ TableName: tableName, Item: { ...keyOf(quota), day, expiresAt } }));
}
