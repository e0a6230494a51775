import { ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { keyPk } from '../registry/key-items.ts';
import type { Page } from '../registry/slices.ts';
import { allKeys, keysAfter, queryStatus } from '../registry/status-index.ts';
import { type Registry, unlessRefused } from '../registry/table.ts';
import { grantPrefix, readGrants } from './grants.ts';
import { leaseKey, listedStatus, readLease } from './lease.ts';

/**
 * Whether the registry wants anything of a key, or its policy was ever written. Either is enough: a key whose lease was deleted
 * stays known by its grants, as a role that has the key already takes no lease.
 */
export async function isKnownKey(registry: Registry, keyArn: string): Promise<boolean> {
  return (await readLease(registry, keyArn)) !== undefined || (await readGrants(registry, keyArn)).length > 0;
}

const entrySchema = v.object({ pk: v.string() });

/** How many keys are read at a time. */
const readAtOnce = 100;

/**
 * The next keys that the registry knows, by their ARNs: those whose leases are in the index, as it is, which may be a moment behind.
 * @param after the ARN of the last one; undefined: the first ones
 */
export async function knownKeysAfter(registry: Registry, after: string | undefined): Promise<Page<string>> {
  const { items, lastKey } = await queryStatus(registry, {
    status: listedStatus,
    names: after === undefined ? allKeys : keysAfter(keyPk(after)),
    limit: readAtOnce,
  });
  const arnOf = (entry: unknown) => v.parse(entrySchema, entry).pk.slice(keyPk('').length);
  return {
    items: items.map(arnOf).map((keyArn) => ({ place: keyArn, item: keyArn })),
    end: lastKey === undefined ? undefined : arnOf(lastKey),
  };
}

/** The keys that the registry knows, each once, in the order of their ARNs. */
export async function* knownKeys(registry: Registry): AsyncGenerator<string> {
  let after: string | undefined;
  do {
    const { items, end } = await knownKeysAfter(registry, after);
    for (const { item } of items) yield item;
    after = end;
  } while (after !== undefined);
}

const itemSchema = v.object({ pk: v.string(), sk: v.string(), status: v.optional(v.string()) });

/**
 * Reads a part of the whole table for keys that the index does not have: those that a version has written which did not list them, and those whose lease
 * somebody has deleted.
 * @param after where to go on; undefined: from the beginning
 * @returns the ARNs of those that may be missing, and where the next part begins; undefined: this was the last one
 */
export async function readUnlisted(
  { documents, tableName }: Registry,
  after: string | undefined,
): Promise<{ keyArns: string[]; end: string | undefined }> {
  const { Items = [], LastEvaluatedKey } = await documents.send(
    new ScanCommand({
      TableName: tableName,
      FilterExpression: '#sk = :lease OR begins_with(#sk, :grant)',
      ProjectionExpression: '#pk, #sk, #status',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk', '#status': 'status' },
      ExpressionAttributeValues: { ':lease': 'LEASE', ':grant': grantPrefix },
      ...(after !== undefined && { ExclusiveStartKey: v.parse(startSchema, JSON.parse(after)) }),
    }),
  );
  const items = Items.map((item) => v.parse(itemSchema, item));
  const listed = new Set(items.filter(({ status }) => status === listedStatus).map(({ pk }) => pk));
  const unlisted = new Set(items.map(({ pk }) => pk).filter((pk) => !listed.has(pk)));
  return {
    keyArns: [...unlisted].map((pk) => pk.slice(keyPk('').length)),
    end: LastEvaluatedKey === undefined ? undefined : JSON.stringify(LastEvaluatedKey),
  };
}

const startSchema = v.object({ pk: v.string(), sk: v.string() });

/** Puts a key into the index, unless it is there. So does who takes its lease. */
export async function listKey({ documents, tableName }: Registry, keyArn: string): Promise<void> {
  await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: leaseKey(keyArn),
        UpdateExpression: 'SET #status = :listed',
        ConditionExpression: 'attribute_not_exists(#status)',
        ExpressionAttributeNames: { '#status': 'status' },
        ExpressionAttributeValues: { ':listed': listedStatus },
      }),
    ),
  );
}
