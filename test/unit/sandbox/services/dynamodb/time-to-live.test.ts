import { expect, it } from 'vitest';
import { createDynamoDb } from '../../../../../sandbox/services/dynamodb/service.ts';
import type { Table } from '../../../../../sandbox/services/dynamodb/table-store.ts';

const hour = 60 * 60_000;
const begin = Date.UTC(2026, 0, 1);
const inHours = (hours: number) => ({ N: String((begin + hours * hour) / 1000) });

/** A table of a stack in which items expire by `expiresAt`, or by another attribute, with an item for each of these. */
async function setUp(expiring: Record<string, object>, timeToLive = 'expiresAt') {
  const time = { now: begin };
  const tables = new Map<string, Table>([
    [
      'registry',
      {
        ...{ name: 'registry', arn: 'arn', stackId: 'stack', encryption: { type: 'aws-owned' } },
        timeToLive,
      },
    ],
  ]);
  const dynamoDb = createDynamoDb(undefined, tables, () => time.now);
  await dynamoDb.createTable({
    TableName: 'registry',
    AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  });
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-date': '20260101T000000Z',
    authorization: 'AWS4-HMAC-SHA256 Credential=AKIA, SignedHeaders=host, Signature=0',
  };
  const call = (operation: string, input: object) =>
    dynamoDb.handle(`DynamoDB_20120810.${operation}`, headers, JSON.stringify({ TableName: 'registry', ...input }));
  for (const [pk, expiresAt] of Object.entries(expiring)) await call('PutItem', { Item: { pk: { S: pk }, expiresAt } });
  return { time, call, names: async () => (await dynamoDb.items('registry')).map(({ pk }) => pk?.S).toSorted() };
}

it('an item is there for two days after it has expired, and then gone for every call', async () => {
  const { time, call, names } = await setUp({ early: inHours(1), late: inHours(3) });
  time.now += 48 * hour;
  expect(await names()).toEqual(['early', 'late']);
  time.now += 6 * hour;
  const { body } = await call('Scan', {});
  expect(JSON.parse(body)).toMatchObject({ Count: 0 });
});

it('an item stays that expires later, by a text, as it says five years ago, or in a table that has no such attribute', async () => {
  const items = { later: inHours(1_000), text: { S: inHours(1).N }, old: inHours(-6 * 366 * 24), done: inHours(1) };
  const { time, names } = await setUp(items);
  time.now += 100 * hour;
  expect(await names()).toEqual(['later', 'old', 'text']);
  const other = await setUp({ done: inHours(1) }, 'endsAt');
  other.time.now += 100 * hour;
  expect(await other.names()).toEqual(['done']);
});

it('an item stays that is written anew with another end before it is deleted', async () => {
  const { time, call, names } = await setUp({ again: inHours(1) });
  time.now += 40 * hour;
  await call('PutItem', { Item: { pk: { S: 'again' }, expiresAt: inHours(1_000) } });
  time.now += 60 * hour;
  expect(await names()).toEqual(['again']);
});
