import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { vi } from 'vitest';
import { parse } from 'yaml';
import { documentClient } from '../../../../lib/registry/document-client.ts';
import type { Registry } from '../../../../lib/registry/table.ts';
import { createDynamoDb, type DynamoDb } from '../../../../sandbox/services/dynamodb/service.ts';

const tableSchema = v.object({
  AttributeDefinitions: v.array(v.object({ AttributeName: v.string(), AttributeType: v.string() })),
  KeySchema: v.array(v.object({ AttributeName: v.string(), KeyType: v.string() })),
  GlobalSecondaryIndexes: v.array(
    v.object({
      IndexName: v.string(),
      KeySchema: v.array(v.object({ AttributeName: v.string(), KeyType: v.string() })),
      Projection: v.looseObject({}),
    }),
  ),
  BillingMode: v.literal('PAY_PER_REQUEST'),
});
const resourcesSchema = v.object({ Resources: v.object({ Registry: v.object({ Properties: tableSchema }) }) });

/** The registry as it is deployed. */
const definition = v.parse(
  resourcesSchema,
  parse(readFileSync(join(import.meta.dirname, '../../../../deployment/registry.yml'), 'utf8')),
).Resources.Registry.Properties;

let started: ReturnType<typeof start> | undefined;
let tables = 0;

/**
 * An empty registry for the running test: a table that evaluates conditions, behind the functions' own client; with the
 * environment in which a function finds it.
 */
export async function registryTable(): Promise<Registry & { environment: Record<string, string> }> {
  started ??= start();
  const { dynamoDb, documents, environment } = await started;
  return { documents, tableName: await createTable(dynamoDb), environment };
}

/** What all registries share: a DynamoDB, the environment in which a function finds it, and the tests' own client. */
async function start() {
  const dynamoDb = createDynamoDb();
  const environment = {
    AWS_ENDPOINT_URL_DYNAMODB: await serve(dynamoDb),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIAREGISTRY',
    AWS_SECRET_ACCESS_KEY: 'registry',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const documents = documentClient();
  // Some tests make thousands of calls, and most of their time would go into HTTP and signatures.
  documents.config.requestHandler = withoutNetwork(dynamoDb);
  documents.config.signer = async () => unsigned;
  // From now on the client keeps what it has read of the environment, which an invocation of a function changes.
  await documents.send(new GetCommand({ TableName: await createTable(dynamoDb), Key: { pk: 'none', sk: 'none' } }));
  return { dynamoDb, documents, environment };
}

/** Creates a table that no other test has. */
async function createTable(dynamoDb: DynamoDb): Promise<string> {
  tables += 1;
  const tableName = `registry-${tables}`;
  await dynamoDb.createTable({ ...definition, TableName: tableName });
  return tableName;
}

/** Serves DynamoDB until the worker ends. @returns where */
async function serve(dynamoDb: DynamoDb): Promise<string> {
  const server = createServer(async (request, response) => {
    const target = String(request.headers['x-amz-target']);
    const { status, headers, body } = await dynamoDb.handle(target, request.headers, await text(request));
    response.writeHead(status, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

/** Stands for a signature, which nobody verifies here. */
const unsigned = {
  async sign<Request extends { headers: Record<string, string> }>(request: Request): Promise<Request> {
    const authorization = 'AWS4-HMAC-SHA256 Credential=test, SignedHeaders=host, Signature=none';
    return { ...request, headers: { ...request.headers, 'x-amz-date': '20260101T000000Z', authorization } };
  },
};

interface HttpRequest {
  headers: Record<string, string>;
  body: string | Uint8Array;
}

/** Hands a client's requests over in the process. */
const withoutNetwork = (dynamoDb: DynamoDb) => ({
  async handle({ headers: sent, body: sentBody }: HttpRequest) {
    const { status, headers, body } = await dynamoDb.handle(
      sent['x-amz-target'] ?? '',
      sent,
      Buffer.from(sentBody).toString('utf8'),
    );
    return { response: { statusCode: status, headers, body: Buffer.from(body) } };
  },
});
