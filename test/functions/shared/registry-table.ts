import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { onTestFinished, vi } from 'vitest';
import { documentClient } from '../../../functions/shared/document-client.ts';
import type { Registry } from '../../../functions/shared/registry.ts';
import { createDynamoDb } from '../../../sandbox/services/dynamodb.ts';

/**
 * An empty registry for the running test: a table that evaluates conditions, behind the functions' own client; with the
 * environment in which a function finds it.
 */
export async function registryTable(): Promise<Registry & { environment: Record<string, string> }> {
  const tableName = 'registry';
  const dynamoDb = createDynamoDb();
  await dynamoDb.createTable({
    TableName: tableName,
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    BillingMode: 'PAY_PER_REQUEST',
  });
  const server = createServer(async (request, response) => {
    const target = String(request.headers['x-amz-target']);
    const { status, headers, body } = await dynamoDb.handle(target, request.headers, await text(request));
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  const environment = {
    AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${address.port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIAREGISTRY',
    AWS_SECRET_ACCESS_KEY: 'registry',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const documents = documentClient();
  onTestFinished(() => {
    documents.destroy();
    server.close();
    vi.unstubAllEnvs();
  });
  // From now on the client keeps what it has read of the environment, which an invocation of a function changes.
  await documents.send(new GetCommand({ TableName: tableName, Key: { pk: 'none', sk: 'none' } }));
  return { documents, tableName, environment };
}
