// A registry of many subscribers in the process, and what is spent on it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { parse } from 'yaml';
import { clientConfig, promptConfig } from '../../lib/aws/clients.ts';
import { withGrants } from '../../lib/keys/key-policy.ts';
import type { KeyPolicy } from '../../lib/keys/policy-document.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { account } from '../../sandbox/core/account.ts';
import { createDynamoDb } from '../../sandbox/services/dynamodb/service.ts';
import { createThroughput } from '../../sandbox/services/dynamodb/throughput.ts';
import { served } from './world.ts';

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

/** Since its table was made. */
export interface Spent {
  units: number;
  reads: number;
  writes: number;
  calls: number;
}

/**
 * A registry of so many subscribers, who all have the same first letter, and the units that are spent on it.
 * @param unseen how many of them failed without anybody knowing
 * @returns also the registry as functions behind the HTTP API have it
 */
export async function registryOf(count: number, unseen = 0) {
  const dynamoDb = createDynamoDb(account, undefined, Date.now, undefined, createThroughput(Date.now));
  const tableName = 'registry';
  await dynamoDb.createTable({ ...definition, TableName: tableName, BillingMode: 'PAY_PER_REQUEST' });
  const spent: Spent = { units: 0, reads: 0, writes: 0, calls: 0 };
  const registryBy = (clients: typeof clientConfig, isExempt = false): Registry => {
    const { requestHandler, signer, ...config } = served(
      'dynamodb',
      async (operation, input, sent) => {
        const text = JSON.stringify({
          ...Object(input),
          ...(counts(operation) && { ReturnConsumedCapacity: 'TOTAL' }),
        });
        const { status, body, throttled } = await dynamoDb.handle(
          `DynamoDB_20120810.${operation}`,
          sent,
          text,
          isExempt,
        );
        if (status === 200) {
          for (const { CapacityUnits } of v.parse(answerSchema, JSON.parse(body)).ConsumedCapacity) {
            spent.units += CapacityUnits;
            spent[/Get|Query|Scan/.test(operation) ? 'reads' : 'writes'] += CapacityUnits;
          }
          spent.calls += 1;
        }
        return { status, body, isThrottled: throttled !== undefined };
      },
      clients,
    );
    const documents = documentClient(Object.assign(config, clients));
    documents.config.signer = signer;
    documents.config.requestHandler = requestHandler;
    return { documents, tableName };
  };
  const { documents } = registryBy(clientConfig, true);
  const items = Array.from({ length: count }, (_, number) => itemsOf(number, count, unseen)).flat();
  for (let first = 0; first < items.length; first += 25) {
    const puts = items.slice(first, first + 25).map((Item) => ({ PutRequest: { Item } }));
    await documents.send(new BatchWriteCommand({ RequestItems: { [tableName]: puts } }));
  }
  Object.assign(spent, { units: 0, reads: 0, writes: 0, calls: 0 });
  return { registry: registryBy(clientConfig), prompt: registryBy(promptConfig), spent };
}

/** A transaction says nothing of its units here. */
const counts = (operation: string) => operation !== 'TransactWriteItems';

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
