// A registry of many subscribers in the process, and what is spent on it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { parse } from 'yaml';
import { clientConfig } from '../../lib/aws/clients.ts';
import { withGrants } from '../../lib/keys/key-policy.ts';
import type { KeyPolicy } from '../../lib/keys/policy-document.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { createDynamoDb } from '../../sandbox/services/dynamodb/service.ts';

const keySchema = v.array(v.object({ AttributeName: v.string(), KeyType: v.string() }));
const tableSchema = v.object({
  AttributeDefinitions: v.array(v.object({ AttributeName: v.string(), AttributeType: v.string() })),
  KeySchema: keySchema,
  GlobalSecondaryIndexes: v.array(
    v.object({ IndexName: v.string(), KeySchema: keySchema, Projection: v.looseObject({}) }),
  ),
});
const templateSchema = v.object({ Resources: v.object({ Registry: v.object({ Properties: tableSchema }) }) });
const template: unknown = parse(readFileSync(join(import.meta.dirname, '../../deployment/registry.yml'), 'utf8'));
const definition = v.parse(templateSchema, template).Resources.Registry.Properties;

const capacitySchema = v.object({ CapacityUnits: v.number() });
const answerSchema = v.object({
  ConsumedCapacity: v.optional(
    v.union([
      v.array(capacitySchema),
      v.pipe(
        capacitySchema,
        v.transform((one) => [one]),
      ),
    ]),
    [],
  ),
});

export const now = new Date('2026-01-01T12:00:00.000Z');

/** What stands for the service behind a client of the SDK: takes the operation and its input. */
type Serve = (operation: string, input: unknown, headers: Record<string, string>) => Promise<object>;

/** The configuration of a client whose calls are served in the process. */
export function served(serve: Serve) {
  return {
    ...clientConfig,
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
    signer: async () => ({
      async sign<Request extends { headers: Record<string, string> }>(request: Request): Promise<Request> {
        const authorization = 'AWS4-HMAC-SHA256 Credential=bench, SignedHeaders=host, Signature=none';
        return { ...request, headers: { ...request.headers, 'x-amz-date': '20260101T000000Z', authorization } };
      },
    }),
    requestHandler: {
      async handle({ headers, body }: { headers: Record<string, string>; body: string | Uint8Array }) {
        const operation = headers['x-amz-target'] ?? '';
        const input: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
        const answer = await serve(operation.split('.')[1] ?? '', input, headers);
        return { response: { statusCode: 200, headers: {}, body: Buffer.from(JSON.stringify(answer)) } };
      },
    },
  };
}

/** How many subscribers share a key. */
const onAKey = 100;
export const keyArnOf = (number: number) =>
  `arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-${String(Math.floor(number / onAKey)).padStart(12, '0')}`;
export const userNameOf = (number: number) => `tenant-${String(number).padStart(5, '0')}`;
const roleArnOf = (number: number) =>
  `arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-${userNameOf(number)}`;
export const executionArnOf = (number: number) =>
  `arn:aws:states:us-east-1:111111111111:execution:infinstor-onboarding-bench-onboard-subscriber:${userNameOf(number)}`;

const ownerStatement = {
  Sid: 'Enable IAM User Permissions',
  Effect: 'Allow' as const,
  Principal: { AWS: 'arn:aws:iam::111111111111:root' },
  Action: 'kms:*',
  Resource: '*',
};

/** The policy that the key of this ARN is to have in a registry of so many subscribers. */
export function policyOf(keyArn: string, count: number): KeyPolicy {
  const first = Number(keyArn.slice(-12)) * onAKey;
  const roleArns = Array.from({ length: Math.min(onAKey, count - first) }, (_, place) => roleArnOf(first + place));
  return withGrants({ Version: '2012-10-17', Statement: [ownerStatement] }, roleArns, { mode: 'role-arns' });
}

/**
 * A registry of so many subscribers, who all have the same first letter, and the units that are spent on it.
 * @param unseen how many of them failed without anybody knowing
 */
export async function registryOf(count: number, unseen = 0) {
  const dynamoDb = createDynamoDb();
  const tableName = 'registry';
  await dynamoDb.createTable({ ...definition, TableName: tableName, BillingMode: 'PAY_PER_REQUEST' });
  const spent = { units: 0, reads: 0, writes: 0, calls: 0 };
  const { requestHandler, signer, ...config } = served(async (operation, input, sent) => {
    const text = JSON.stringify({ ...Object(input), ReturnConsumedCapacity: 'TOTAL' });
    const { status, body } = await dynamoDb.handle(`DynamoDB_20120810.${operation}`, sent, text);
    if (status !== 200 && !body.includes('ConditionalCheckFailed')) throw new Error(body);
    const answer: unknown = JSON.parse(body);
    if (status !== 200) throw Object.assign(new Error('refused'), { refusal: body });
    for (const { CapacityUnits } of v.parse(answerSchema, answer).ConsumedCapacity) {
      spent.units += CapacityUnits;
      spent[/Get|Query|Scan/.test(operation) ? 'reads' : 'writes'] += CapacityUnits;
    }
    spent.calls += 1;
    return Object(answer);
  });
  const documents = documentClient(Object.assign(config, clientConfig));
  documents.config.signer = signer;
  documents.config.requestHandler = requestHandler;
  const items = Array.from({ length: count }, (_, number) => itemsOf(number, count, unseen)).flat();
  for (let first = 0; first < items.length; first += 25) {
    const puts = items.slice(first, first + 25).map((Item) => ({ PutRequest: { Item } }));
    await documents.send(new BatchWriteCommand({ RequestItems: { [tableName]: puts } }));
  }
  Object.assign(spent, { units: 0, reads: 0, writes: 0, calls: 0 });
  return { registry: { documents, tableName }, spent };
}

/** The record of a subscriber, its grant, and with the first one on a key what is kept of that. */
function itemsOf(number: number, count: number, unseen: number): Record<string, unknown>[] {
  const keyArn = keyArnOf(number);
  const [userName, executionArn, roleArn] = [userNameOf(number), executionArnOf(number), roleArnOf(number)];
  const status = number < unseen ? 'ONBOARDING' : number < 5 ? 'UPDATING' : number < 15 ? 'FAILED' : 'ACTIVE';
  const isElsewhere = number % 20 === 19 && number < 60;
  const record = {
    pk: `SUBSCRIBER#${userName}`,
    sk: 'RECORD',
    ...{ userName, status, executionArn, emailId: 'mlops@acme.example', updatedAt: '2026-01-01T11:00:00.000Z' },
    home: { accountId: isElsewhere ? '222222222222' : '111111111111', region: 'us-east-1' },
    attempts: Array.from({ length: 3 }, () => ({ executionArn, startedAt: '2026-01-01T10:00:00.000Z' })),
    ...(status === 'FAILED' && {
      lastError: { name: 'StackFailed', step: 'WaitForStack', message: 'x'.repeat(1000), remedy: 'y'.repeat(200) },
    }),
    roleArn,
    keyArns: [keyArn],
  };
  const pk = `KEY#${keyArn}`;
  const grant = {
    pk,
    sk: `GRANT#${roleArn}`,
    roleArn,
    roleId: `AROA${number}`,
    userName,
    state: 'applied',
    refused: false,
  };
  if (number % onAKey !== 0) return [record, grant];
  const policy = JSON.stringify(policyOf(keyArn, count));
  const kept = ['2025-06-01', '2025-07-01', '2025-08-01'].map((date) => {
    const [keptAt, id] = [`${date}T00:00:00.000Z`, `${date}T00:00:00.000Z#one`];
    return { pk, sk: `POLICY#${id}`, id, keptAt, hash: 'h', policy, by: executionArn };
  });
  return [record, grant, ...kept, { pk, sk: 'LEASE' }];
}
