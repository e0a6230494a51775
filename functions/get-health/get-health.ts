import { GetCommand } from '@aws-sdk/lib-dynamodb';
import type { Registry } from '../../lib/registry/table.ts';

export interface Health {
  status: 'ok';
  /** The version that is deployed. */
  version: string;
}

/**
 * Whether requests can be taken, as far as the API itself decides: it runs, and the registry answers. It asks nothing of InfinStor, and starts nothing.
 * @throws what DynamoDB throws
 */
export async function getHealth({ documents, tableName }: Registry, version: string): Promise<Health> {
  await documents.send(new GetCommand({ TableName: tableName, Key: { pk: 'HEALTH', sk: 'HEALTH' } }));
  return { status: 'ok', version };
}
