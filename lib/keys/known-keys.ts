import { paginateScan } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { keyPk } from '../registry/key-items.ts';
import type { Registry } from '../registry/table.ts';
import { grantPrefix, readGrants } from './grants.ts';
import { readLease } from './lease.ts';

/**
 * Whether the registry wants anything of a key, or its policy was ever written. Either is enough: a key whose lease was deleted
 * stays known by its grants, as a role that has the key already takes no lease.
 */
export async function isKnownKey(registry: Registry, keyArn: string): Promise<boolean> {
  return (await readLease(registry, keyArn)) !== undefined || (await readGrants(registry, keyArn)).length > 0;
}

/** The keys that the registry knows, each once. A scan, as of the registry's other rare readers. */
export async function* knownKeys({ documents, tableName }: Registry): AsyncGenerator<string> {
  const pages = paginateScan(
    { client: documents },
    {
      TableName: tableName,
      ConsistentRead: true,
      FilterExpression: '#sk = :lease OR begins_with(#sk, :grant)',
      ProjectionExpression: '#pk',
      ExpressionAttributeNames: { '#pk': 'pk', '#sk': 'sk' },
      ExpressionAttributeValues: { ':lease': 'LEASE', ':grant': grantPrefix },
    },
  );
  const known = new Set<string>();
  for await (const { Items = [] } of pages) {
    for (const item of Items) {
      const keyArn = v.parse(v.object({ pk: v.string() }), item).pk.slice(keyPk('').length);
      if (!known.has(keyArn)) yield keyArn;
      known.add(keyArn);
    }
  }
}
