// How many read units a list, a sweep and their parts take of a registry with 100, 1,000 and 10,000 subscribers, of whom always as many run, have
// failed and are in another account: what is read must follow these, and not the size of the registry. Then how long the whole list takes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { parse } from 'yaml';
import { listSubscribers } from '../functions/list-subscribers/list-subscribers.ts';
import { parseListQuery } from '../functions/list-subscribers/query.ts';
import { clientConfig } from '../lib/aws/clients.ts';
import { documentClient } from '../lib/registry/document-client.ts';
import { unsettledRecords } from '../lib/subscribers/unsettled.ts';
import { createDynamoDb } from '../sandbox/services/dynamodb/service.ts';

const now = new Date('2026-01-01T12:00:00.000Z');
const minute = 60_000;
const keySchema = v.array(v.object({ AttributeName: v.string(), KeyType: v.string() }));
const tableSchema = v.object({
  AttributeDefinitions: v.array(v.object({ AttributeName: v.string(), AttributeType: v.string() })),
  KeySchema: keySchema,
  GlobalSecondaryIndexes: v.array(
    v.object({ IndexName: v.string(), KeySchema: keySchema, Projection: v.looseObject({}) }),
  ),
});
const templateSchema = v.object({ Resources: v.object({ Registry: v.object({ Properties: tableSchema }) }) });
const template: unknown = parse(readFileSync(join(import.meta.dirname, '../deployment/registry.yml'), 'utf8'));
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

for (const count of [100, 1_000, 10_000]) await measure(count);

async function measure(count: number): Promise<void> {
  const { registry, spent } = await registryOf(count);
  const page = (parameters: Record<string, string>) =>
    listSubscribers(parseListQuery(parameters), { registry, now, onSpoiled: () => {} });
  async function whole(parameters: Record<string, string>) {
    let pages = 0;
    let found = 0;
    let nextToken: string | undefined;
    do {
      const read = await page({ ...parameters, ...(nextToken !== undefined && { nextToken }) });
      pages += 1;
      found += read.subscribers.length;
      nextToken = read.nextToken;
    } while (nextToken !== undefined);
    return `${found} on ${pages} pages`;
  }
  async function row(what: string, work: () => Promise<string>): Promise<void> {
    const [before, begin] = [spent.units, performance.now()];
    const result = await work();
    const units = (spent.units - before).toFixed(1).padStart(9);
    print(
      `${String(count).padStart(6)}  ${what.padEnd(36)} ${units} units ${(performance.now() - begin).toFixed(0).padStart(6)} ms  ${result}`,
    );
  }
  await row('the first page', async () => `${(await page({})).subscribers.length}`);
  await row('a page of status ACTIVE', async () => `${(await page({ status: 'ACTIVE' })).subscribers.length}`);
  await row('all of status FAILED', () => whole({ status: 'FAILED' }));
  await row('all of status UPDATING', () => whole({ status: 'UPDATING' }));
  await row('a page of another account', async () => `${(await page({ account: '222222222222' })).subscribers.length}`);
  await row('a sweep that has few of the active', () => sweep(5));
  await row('the sweep that has all of the active', () => sweep(45));
  await row('the whole list', () => whole({ limit: '100' }));

  async function sweep(minutes: number): Promise<string> {
    let found = 0;
    const at = { failedSince: '2025-12-18T12:00:00.000Z', now: new Date(now.getTime() + minutes * minute) };
    for await (const _ of unsettledRecords(registry, at)) found += 1;
    return `${found}`;
  }
}

/** A registry of so many subscribers, who all have the same first letter, and the read units that are spent on it. */
async function registryOf(count: number) {
  const dynamoDb = createDynamoDb();
  const tableName = 'registry';
  await dynamoDb.createTable({ ...definition, TableName: tableName, BillingMode: 'PAY_PER_REQUEST' });
  const spent = { units: 0 };
  const nobody = { region: 'us-east-1', credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' } };
  const documents = documentClient({ ...clientConfig, ...nobody });
  documents.config.signer = async () => ({
    async sign<Request extends { headers: Record<string, string> }>(request: Request): Promise<Request> {
      const authorization = 'AWS4-HMAC-SHA256 Credential=bench, SignedHeaders=host, Signature=none';
      return { ...request, headers: { ...request.headers, 'x-amz-date': '20260101T000000Z', authorization } };
    },
  });
  documents.config.requestHandler = {
    async handle({ headers: sent, body: sentBody }: { headers: Record<string, string>; body: string | Uint8Array }) {
      const asked: unknown = JSON.parse(Buffer.from(sentBody).toString('utf8'));
      const text = JSON.stringify({ ...Object(asked), ReturnConsumedCapacity: 'TOTAL' });
      const { status, headers, body } = await dynamoDb.handle(sent['x-amz-target'] ?? '', sent, text);
      const { ConsumedCapacity } = v.parse(answerSchema, JSON.parse(body));
      for (const { CapacityUnits } of ConsumedCapacity) spent.units += CapacityUnits;
      return { response: { statusCode: status, headers, body: Buffer.from(body) } };
    },
  };
  const items = Array.from({ length: count }, (_, number) => itemOf(number));
  for (let first = 0; first < count; first += 25) {
    const puts = items.slice(first, first + 25).map((Item) => ({ PutRequest: { Item } }));
    await documents.send(new BatchWriteCommand({ RequestItems: { [tableName]: puts } }));
  }
  return { registry: { documents, tableName }, spent };
}

function itemOf(number: number): Record<string, unknown> {
  const userName = `tenant-${String(number).padStart(5, '0')}`;
  const executionArn = `arn:aws:states:us-east-1:111111111111:execution:infinstor-onboarding-bench-onboard-subscriber:${userName}`;
  const status = number < 5 ? 'UPDATING' : number < 15 ? 'FAILED' : 'ACTIVE';
  const isElsewhere = number % 20 === 19 && number < 60;
  return {
    pk: `SUBSCRIBER#${userName}`,
    sk: 'RECORD',
    ...{ userName, status, executionArn, emailId: 'mlops@acme.example', updatedAt: '2026-01-01T11:00:00.000Z' },
    home: { accountId: isElsewhere ? '222222222222' : '111111111111', region: 'us-east-1' },
    attempts: Array.from({ length: 3 }, () => ({ executionArn, startedAt: '2026-01-01T10:00:00.000Z' })),
    ...(status === 'FAILED' && {
      lastError: { name: 'StackFailed', step: 'WaitForStack', message: 'x'.repeat(1000), remedy: 'y'.repeat(200) },
    }),
    roleArn: `arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-${userName}`,
    keyArns: ['arn:aws:kms:us-east-1:111111111111:key/11111111-1111-4111-8111-111111111111'],
  };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
