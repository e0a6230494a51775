import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import dynalite from 'dynalite';
import * as v from 'valibot';
import { type AccountRegion, account } from '../../core/account.ts';
import { type Access, AwsError, type Caller } from '../../core/operation.ts';
import type { Kms } from '../kms/service.ts';
import { dynamoDbAccess, type KeySchema } from './access.ts';
import { createIsolation } from './isolation.ts';
import { useOfKeys } from './key-use.ts';
import { createMeteredCalls } from './metered.ts';
import { completed } from './table-description.ts';
import type { TableStore } from './table-store.ts';
import type { Throughput } from './throughput.ts';
import { createTimeToLive } from './time-to-live.ts';
import { createTransactions } from './transactions.ts';
import type { Index } from './units.ts';
import type { DynamoDbResponse, WireItem } from './wire.ts';

export type TableIndexes = readonly { IndexName: string; KeySchema: KeySchema; Projection: object }[];

export interface TableDefinition {
  TableName: string;
  AttributeDefinitions: readonly { AttributeName: string; AttributeType: string }[];
  KeySchema: KeySchema;
  BillingMode?: 'PAY_PER_REQUEST' | 'PROVISIONED';
  GlobalSecondaryIndexes?: TableIndexes;
}

export interface DynamoDb {
  /**
   * Answers a call from the wire; `target` is its `x-amz-target`, the header names are in lower case.
   * @param isExempt whether it takes none of the throughput; default: no
   */
  handle(
    target: string,
    headers: Readonly<Record<string, string | readonly string[] | undefined>>,
    body: string,
    isExempt?: boolean,
  ): Promise<DynamoDbResponse>;
  /** Creates a table and waits until it can be used. Throws the service's own error text. */
  createTable(definition: TableDefinition): Promise<void>;
  /** The global secondary indexes that a table has. */
  indexes(tableName: string): Promise<TableIndexes>;
  /**
   * Gives a table the indexes of this definition, with those of its items that have their keys.
   * @throws Error the service's own text, and when an item has an index's key as another type; the table stays as it was then
   */
  setIndexes(definition: TableDefinition): Promise<void>;
  /** Whether the name is taken, by a stack's table or by one that was made by a call. */
  hasTable(tableName: string): Promise<boolean>;
  /** Deletes a table and waits until its name is free. Throws the service's own error text. */
  deleteTable(tableName: string): Promise<void>;
  /**
   * What IAM is asked about a call, with the use of the table's customer managed key for items. Throws ValidationException for an input that has no
   * DynamoDB form, and AccessDeniedException for a key that nobody can use.
   */
  access(operation: string, input: unknown, caller?: Caller): Access[];
  /** Every item of a table. */
  items(tableName: string): Promise<WireItem[]>;
}

const require = createRequire(import.meta.url);

/** What there is: passed on to dynalite, but for transactions, which are made of calls of it. */
export const operations: ReadonlySet<string> = new Set([
  ...['BatchGetItem', 'BatchWriteItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'Scan', 'UpdateItem'],
  'TransactWriteItems',
  ...['CreateTable', 'DeleteTable', 'DescribeTable', 'ListTables', 'UpdateTable'],
  ...['DescribeTimeToLive', 'ListTagsOfResource', 'TagResource', 'UntagResource'],
]);

const keySchema = v.array(v.object({ AttributeName: v.string(), KeyType: v.string() }));
const createTableInput = v.object({
  TableName: v.string(),
  KeySchema: keySchema,
  GlobalSecondaryIndexes: v.optional(
    v.array(
      v.object({
        IndexName: v.string(),
        KeySchema: keySchema,
        Projection: v.object({
          ProjectionType: v.optional(v.string()),
          NonKeyAttributes: v.optional(v.array(v.string())),
        }),
      }),
    ),
    [],
  ),
  LocalSecondaryIndexes: v.optional(v.array(v.object({ IndexName: v.string(), KeySchema: keySchema })), []),
});
const wireItem = v.record(v.string(), v.record(v.string(), v.unknown()));
const scanOutput = v.object({ Items: v.array(wireItem), LastEvaluatedKey: v.optional(wireItem) });
const onTable = v.object({ TableName: v.string() });
const describeOutput = v.object({
  Table: v.object({
    TableStatus: v.string(),
    GlobalSecondaryIndexes: v.optional(
      v.array(v.object({ IndexName: v.string(), KeySchema: keySchema, Projection: v.looseObject({}) })),
      [],
    ),
  }),
});
const conditional = v.object({
  TableName: v.string(),
  ReturnValuesOnConditionCheckFailure: v.picklist(['ALL_OLD', 'NONE']),
  Key: v.optional(wireItem),
  Item: v.optional(wireItem),
});
const errorOutput = v.looseObject({ __type: v.string() });

/**
 * DynamoDB by dynalite, in memory and without a port of its own; transactions and the deletion by TTL are added here.
 * @param stackTables what stacks have made of tables, from which a deleted table is removed
 * @param now in milliseconds since the epoch; default: time stands still, and nothing expires
 * @param kms default: no key of a table is asked for
 * @param throughput what tables and indexes take a second; default: whatever comes
 */
export function createDynamoDb(
  home: AccountRegion = account,
  stackTables: TableStore = new Map(),
  now: () => number = () => 0,
  kms?: Pick<Kms, 'useAccess'>,
  throughput?: Throughput,
): DynamoDb {
  const server = createServer(home);
  const keys = new Map<string, KeySchema>();
  const globalIndexes = new Map<string, readonly Index[]>();
  const isolation = createIsolation();

  function send(target: string, headers: object, body: string): Promise<DynamoDbResponse> {
    return new Promise((resolve) => {
      const request = Object.assign(new EventEmitter(), {
        method: 'POST',
        url: '/',
        headers: { ...headers, 'x-amz-target': target },
      });
      const answer: Record<string, string> = {};
      const response = {
        statusCode: 200,
        setHeader(name: string, value: unknown) {
          answer[name.toLowerCase()] = String(value);
        },
        end: (text = '') => resolve({ status: response.statusCode, headers: answer, body: text }),
      };
      server.emit('request', request, response);
      request.emit('data', Buffer.from(body));
      request.emit('end');
    });
  }

  /** A call of the sandbox itself. */
  async function call(operation: string, input: object): Promise<unknown> {
    const { status, body } = await send(`DynamoDB_20120810.${operation}`, ownHeaders, JSON.stringify(input));
    if (status !== 200) throw new Error(`dynamodb:${operation} failed: ${body}`);
    return JSON.parse(body);
  }

  /** After DeleteTable: waits until the name is free. */
  async function forget(tableName: string) {
    stackTables.delete(tableName);
    for (const name of keys.keys()) if (name === tableName || name.startsWith(`${tableName}/`)) keys.delete(name);
    while (await hasTable(tableName)) await setImmediate();
  }

  async function hasTable(TableName: string): Promise<boolean> {
    const { status } = await send('DynamoDB_20120810.DescribeTable', ownHeaders, JSON.stringify({ TableName }));
    return status === 200;
  }

  function learnKeys(input: unknown) {
    const table = v.parse(createTableInput, input);
    keys.set(table.TableName, table.KeySchema);
    globalIndexes.set(table.TableName, table.GlobalSecondaryIndexes);
    for (const index of [...table.GlobalSecondaryIndexes, ...table.LocalSecondaryIndexes]) {
      keys.set(`${table.TableName}/index/${index.IndexName}`, index.KeySchema);
    }
  }

  function keyOf(tableName: string, item: WireItem): WireItem {
    const names = keys.get(tableName)?.map(({ AttributeName }) => AttributeName) ?? [];
    return Object.fromEntries(Object.entries(item).filter(([name]) => names.includes(name)));
  }

  /** @throws AwsError where there is no such table, or the key is not all there */
  function wholeKeyOf(tableName: string, item: WireItem): WireItem {
    const key = keyOf(tableName, item);
    const parts = keys.get(tableName)?.length;
    if (parts === undefined) throw new AwsError('ResourceNotFoundException', 'Requested resource not found');
    if (Object.keys(key).length === parts) return key;
    throw new AwsError('ValidationException', 'The provided key element does not match the schema');
  }

  async function read(TableName: string, Key: WireItem): Promise<WireItem | undefined> {
    const found = await call('GetItem', { TableName, Key, ConsistentRead: true });
    return v.parse(v.object({ Item: v.optional(wireItem) }), found).Item;
  }

  /** Adds the item that made a condition fail, for a caller that wants it; dynalite does not. */
  async function withOldItem(response: DynamoDbResponse, input: unknown): Promise<DynamoDbResponse> {
    const wanted = v.safeParse(conditional, input);
    if (!wanted.success || wanted.output.ReturnValuesOnConditionCheckFailure === 'NONE') return response;
    const error = v.parse(errorOutput, JSON.parse(response.body));
    if (!error.__type.endsWith('#ConditionalCheckFailedException')) return response;
    const { TableName, Key, Item = {} } = wanted.output;
    const found = await read(TableName, Key ?? keyOf(TableName, Item));
    const body = JSON.stringify({ ...error, ...(found !== undefined && { Item: found }) });
    return { status: response.status, headers: { 'content-type': response.headers['content-type'] ?? '' }, body };
  }

  const transactions = createTransactions({
    async send(operation, input) {
      const response = await send(`DynamoDB_20120810.${operation}`, ownHeaders, JSON.stringify(input));
      return response.status === 200 ? response : withOldItem(response, input);
    },
    ...{ read, keyOf: wholeKeyOf },
  });

  const metered =
    throughput &&
    createMeteredCalls({
      ...{ throughput, home, keys, read, keyOf, wholeKeyOf },
      indexes: (tableName) => globalIndexes.get(tableName) ?? [],
      restore: (TableName, Key, Item) =>
        Item === undefined ? call('DeleteItem', { TableName, Key }) : call('PutItem', { TableName, Item }),
    });

  /** Passes a call on, which members and isolation allow. */
  async function answerOf({ operation, target, headers, input, body }: Sent): Promise<DynamoDbResponse> {
    const answer = await send(target, headers, body);
    const response = completed(operation, { input, tables: stackTables }, answer);
    if (response.status !== 200) return withOldItem(response, input);
    if (operation === 'CreateTable') learnKeys(input);
    if (operation === 'DeleteTable') await forget(v.parse(onTable, input).TableName);
    return response;
  }

  /** Nothing else runs beside a transaction, nor beside a call whose units are counted: each sees what the one before has taken. */
  async function answered(sent: Sent, isExempt: boolean): Promise<DynamoDbResponse> {
    const { operation, input } = sent;
    const transact = (instead?: Parameters<typeof transactions.write>[1]) => transactions.write(input, instead);
    const perform = (changed?: object) =>
      answerOf({ ...sent, ...(changed !== undefined && { input: changed, body: JSON.stringify(changed) }) });
    try {
      if (metered !== undefined && !isExempt)
        return await isolation.alone(() => metered({ operation, input, perform, transact }));
      if (operation === 'TransactWriteItems') return await isolation.alone(() => transact());
      return await isolation.beside(perform);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      return failure(error.code, error.message);
    }
  }

  const describe = async (TableName: string) =>
    v.parse(describeOutput, await call('DescribeTable', { TableName })).Table;

  async function create(definition: TableDefinition) {
    await call('CreateTable', definition);
    learnKeys(definition);
    while ((await describe(definition.TableName)).TableStatus !== 'ACTIVE') await setImmediate();
  }

  async function remove(TableName: string) {
    await call('DeleteTable', { TableName });
    await forget(TableName);
  }

  /** Every item; calls may change them meanwhile. */
  async function scan(TableName: string): Promise<WireItem[]> {
    const items: WireItem[] = [];
    let start: WireItem | undefined;
    do {
      const page = v.parse(scanOutput, await call('Scan', { TableName, ExclusiveStartKey: start }));
      items.push(...page.Items);
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
    return items;
  }

  const timeToLive = createTimeToLive({
    tables: stackTables,
    now,
    items: scan,
    async deleteItem(TableName, item, attribute) {
      const names = { '#expires': attribute };
      const expression = { ConditionExpression: '#expires = :read', ExpressionAttributeNames: names };
      const values = { ':read': item[attribute] };
      const input = { TableName, Key: keyOf(TableName, item), ...expression, ExpressionAttributeValues: values };
      const { status, body } = await send('DynamoDB_20120810.DeleteItem', ownHeaders, JSON.stringify(input));
      const isRefused = status === 400 && body.includes('ConditionalCheckFailedException');
      if (status !== 200 && !isRefused) throw new Error(`an expired item was not deleted: ${body}`);
    },
  });

  /** dynalite changes no indexes, so that a table is made again, while nobody else calls. */
  async function setIndexes(definition: TableDefinition) {
    const { TableName } = definition;
    const trial = { ...definition, TableName: `trial-${randomUUID()}` };
    const items = await scan(TableName);
    await create(trial);
    try {
      for (const Item of items) await call('PutItem', { TableName: trial.TableName, Item });
    } finally {
      await remove(trial.TableName);
    }
    const about = stackTables.get(TableName);
    await remove(TableName);
    if (about !== undefined) stackTables.set(TableName, about);
    await create(definition);
    for (const Item of items) await call('PutItem', { TableName, Item });
  }

  return {
    async handle(target, headers, body, isExempt = false) {
      const operation = target.split('.')[1] ?? '';
      if (!operations.has(operation)) {
        return failure('UnknownOperationException', `The sandbox does not have dynamodb:${operation}`);
      }
      const input = parseJson(body);
      await isolation.beside(timeToLive.removeExpired);
      const unknown = operation === 'TransactWriteItems' ? [] : unknownMembers(operation, input);
      if (unknown.length > 0) {
        return failure(
          'ValidationException',
          `The sandbox's dynamodb:${operation} does not have ${unknown.join(', ')}`,
        );
      }
      return answered({ operation, target, headers, input, body }, isExempt);
    },
    createTable: create,
    indexes: async (tableName) => (await describe(tableName)).GlobalSecondaryIndexes,
    setIndexes: (definition) => isolation.alone(() => setIndexes(definition)),
    hasTable,
    deleteTable: remove,
    access(operation, input, caller) {
      const asked = dynamoDbAccess(operation, input, { keys, home });
      return caller === undefined ? asked : [...asked, ...useOfKeys(asked, caller, { tables: stackTables, kms })];
    },
    items: (tableName) =>
      isolation.beside(async () => {
        await timeToLive.removeExpired();
        return scan(tableName);
      }),
  };
}

interface Sent {
  operation: string;
  target: string;
  headers: object;
  input: unknown;
  body: string;
}

/** dynalite takes the account and Region of its ARNs from the environment, when it is created and at no other time. */
function createServer({ accountId, region }: AccountRegion) {
  const { AWS_ACCOUNT_ID, AWS_REGION } = process.env;
  Object.assign(process.env, { AWS_ACCOUNT_ID: accountId, AWS_REGION: region });
  try {
    return dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  } finally {
    for (const [name, value] of Object.entries({ AWS_ACCOUNT_ID, AWS_REGION })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

/** dynalite requires a signed request, and checks no signature. */
const ownHeaders = {
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-date': '20260101T000000Z',
  authorization: 'AWS4-HMAC-SHA256 Credential=sandbox, SignedHeaders=host, Signature=none',
};

/** Members that dynalite would ignore without a word, except those that make no difference here or that `handle` adds. */
function unknownMembers(operation: string, input: unknown): string[] {
  const file: unknown = require(`dynalite/validations/${operation.charAt(0).toLowerCase()}${operation.slice(1)}.js`);
  const { types } = v.parse(v.object({ types: v.record(v.string(), v.unknown()) }), file);
  const added = ['ConsistentRead', 'ReturnValuesOnConditionCheckFailure'];
  const members = typeof input === 'object' && input !== null ? Object.keys(input) : [];
  return members.filter((name) => !(name in types) && !added.includes(name));
}

const failure = (code: string, message: string): DynamoDbResponse => ({
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: JSON.stringify({ __type: `com.amazon.coral.service#${code}`, message }),
});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // dynalite answers malformed JSON itself.
    return undefined;
  }
}
