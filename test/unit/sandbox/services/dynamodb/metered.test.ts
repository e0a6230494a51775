import '../../../../fast-check.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDynamoDb } from '../../../../../sandbox/services/dynamodb/service.ts';
import { createThroughput, partitionOf } from '../../../../../sandbox/services/dynamodb/throughput.ts';
import { headers } from './headers.ts';

const TableName = 'registry';
const tableArn = 'arn:aws:dynamodb:us-east-1:111111111111:table/registry';
const registry = {
  TableName,
  AttributeDefinitions: ['pk', 'sk', 'status'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  BillingMode: 'PAY_PER_REQUEST',
  GlobalSecondaryIndexes: [
    {
      IndexName: 'by-status',
      KeySchema: [
        { AttributeName: 'status', KeyType: 'HASH' },
        { AttributeName: 'pk', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['note'] },
    },
  ],
} as const;

const ofTable =
  'Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly. If exceptions persist, check if you have a hot key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html';
const ofIndex =
  'Throughput exceeds the current capacity for one or more global secondary indexes. DynamoDB is automatically scaling your index so please try again shortly.';
const refused = (message: string, reason: string, resource: string) => ({
  status: 400,
  body: {
    __type: 'com.amazon.coral.availability#ThrottlingException',
    message,
    throttlingReasons: [{ reason, resource }],
  },
});
const tableIsHot = refused(ofTable, 'TableWriteKeyRangeThroughputExceeded', tableArn);
const indexIsHot = refused(ofIndex, 'IndexWriteKeyRangeThroughputExceeded', `${tableArn}/index/by-status`);

async function setUp() {
  const time = { now: 0 };
  const dynamoDb = createDynamoDb(
    undefined,
    undefined,
    () => time.now,
    undefined,
    createThroughput(() => time.now),
  );
  await dynamoDb.createTable(registry);
  const send = async (operation: string, input: object, isExempt = false) => {
    const text = JSON.stringify(input);
    const answer = await dynamoDb.handle(`DynamoDB_20120810.${operation}`, headers, text, isExempt);
    return { status: answer.status, body: JSON.parse(answer.body), throttled: answer.throttled };
  };
  const run = async (operation: string, input: object) => {
    const { status, body } = await send(operation, input);
    return { status, body };
  };
  const put = (Item: object) => run('PutItem', { TableName, Item });
  return { time, dynamoDb, send, run, put, items: () => dynamoDb.items(TableName) };
}

const kilobytes = (count: number) => ({ S: 'x'.repeat(count * 1024 - 100) });
const key = (pk: string, sk = 'RECORD') => ({ pk: { S: pk }, sk: { S: sk } });
/** Items of one partition of the table, each of so many write units. */
const heavy = (pk: string, count: number, units: number) =>
  Array.from({ length: count }, (_, number) => ({ ...key(pk, `HEAVY#${number}`), text: kilobytes(units) }));
const puts = (items: readonly object[]) => ({
  RequestItems: { [TableName]: items.map((Item) => ({ PutRequest: { Item } })) },
});
/** Two partition keys in different partitions of the table. */
const [here, elsewhere = ''] = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].filter(
  (pk, _, all) => pk === all[0] || partitionOf({ S: pk }) !== partitionOf({ S: all[0] ?? '' }),
);
const hot = here ?? '';

describe('a table whose partition has nothing left', () => {
  it('refuses every write of it, and nothing of another one, until units have come back', async () => {
    const { time, run, put, items } = await setUp();
    expect((await run('BatchWriteItem', puts(heavy(hot, 4, 300)))).status).toBe(200);
    const before = await items();
    const Key = key(hot);
    const set = { UpdateExpression: 'SET note = :note', ExpressionAttributeValues: { ':note': { S: 'n' } } };
    expect(await put(Key)).toEqual(tableIsHot);
    expect(await run('UpdateItem', { TableName, Key, ...set })).toEqual(tableIsHot);
    expect(await run('DeleteItem', { TableName, Key: key(hot, 'HEAVY#0') })).toEqual(tableIsHot);
    expect(await run('BatchWriteItem', puts([Key]))).toEqual(tableIsHot);
    expect(await items()).toEqual(before);
    expect((await run('GetItem', { TableName, Key })).status).toBe(200);
    expect((await put(key(elsewhere))).status).toBe(200);
    // 200 units are owed.
    time.now = 200;
    expect((await put(Key)).status).toBe(400);
    time.now = 201;
    expect((await put(Key)).status).toBe(200);
  });

  it('refuses reads by what they have read', async () => {
    const { time, run, send } = await setUp();
    for (const item of heavy(hot, 10, 390)) await send('PutItem', { TableName, Item: item }, true);
    const query = {
      TableName,
      ConsistentRead: true,
      KeyConditionExpression: '#pk = :pk',
      ExpressionAttributeNames: { '#pk': 'pk' },
      ExpressionAttributeValues: { ':pk': { S: hot } },
    };
    // A page has about 1 MB, and so some 290 units.
    let pages = 0;
    while ((await run('Query', query)).status === 200) pages += 1;
    expect(pages).toBeGreaterThanOrEqual(10);
    expect(pages).toBeLessThan(13);
    const readIsHot = refused(ofTable, 'TableReadKeyRangeThroughputExceeded', tableArn);
    expect(await run('Query', query)).toEqual(readIsHot);
    expect(await run('GetItem', { TableName, Key: key(hot) })).toEqual(readIsHot);
    const scan = { TableName, ExclusiveStartKey: key(hot, 'HEAVY#3') };
    expect(await run('Scan', scan)).toEqual(readIsHot);
    expect((await run('GetItem', { TableName, Key: key(elsewhere) })).status).toBe(200);
    time.now = 1_000;
    expect((await run('Query', query)).status).toBe(200);
  });

  it('does what it can of a batch, and leaves the rest', async () => {
    const { run, send, items } = await setUp();
    const { status, body, throttled } = await send('BatchWriteItem', puts(heavy(hot, 5, 390)));
    expect(status).toBe(200);
    expect(body.UnprocessedItems).toEqual(puts(heavy(hot, 5, 390).slice(3)).RequestItems);
    expect(throttled).toHaveLength(2);
    expect(await items()).toHaveLength(3);
    const Keys = Array.from({ length: 100 }, (_, number) => key(hot, `HEAVY#${number}`));
    const get = { RequestItems: { [TableName]: { Keys, ConsistentRead: true } } };
    // Each 98 units, and one where there is nothing.
    for (let call = 0; call < 7; call += 1) expect((await run('BatchGetItem', get)).body.UnprocessedKeys).toEqual({});
    const part = await send('BatchGetItem', get);
    expect(part.status).toBe(200);
    const left = part.body.UnprocessedKeys[TableName];
    expect(left.ConsistentRead).toBe(true);
    expect(left.Keys.length).toBe(part.throttled?.length);
    expect(left.Keys).toEqual(Keys.slice(-left.Keys.length));
    expect((await run('BatchGetItem', get)).body.__type).toContain('ThrottlingException');
  });

  it('cancels a transaction with a reason for each action', async () => {
    const { time, run, put, items } = await setUp();
    await run('BatchWriteItem', puts(heavy(hot, 4, 300)));
    await put(key(elsewhere));
    const before = await items();
    const TransactItems = [
      { Put: { TableName, Item: key(elsewhere, 'ANOTHER') } },
      { Put: { TableName, Item: key(hot) } },
      { ConditionCheck: { TableName, Key: key(elsewhere), ConditionExpression: 'attribute_exists(pk)' } },
    ];
    expect(await run('TransactWriteItems', { TransactItems })).toEqual({
      status: 400,
      body: {
        __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
        Message:
          'Transaction cancelled, please refer cancellation reasons for specific reasons [None, ThrottlingError, None]',
        CancellationReasons: [{ Code: 'None' }, { Code: 'ThrottlingError', Message: ofTable }, { Code: 'None' }],
      },
    });
    expect(await items()).toEqual(before);
    time.now = 300;
    expect(await run('TransactWriteItems', { TransactItems })).toEqual({ status: 200, body: {} });
  });

  it('counts both writes of a transaction, and what its conditions have looked at', async () => {
    const { run, put } = await setUp();
    const [item] = heavy(hot, 1, 300);
    const TransactItems = [{ Put: { TableName, Item: item, ConditionExpression: 'attribute_not_exists(pk)' } }];
    expect((await run('TransactWriteItems', { TransactItems })).status).toBe(200);
    // 600 of 1,000; the item is there now.
    expect((await run('TransactWriteItems', { TransactItems })).body.CancellationReasons[0].Code).toBe(
      'ConditionalCheckFailed',
    );
    expect(await put(key(hot))).toEqual(tableIsHot);
  });

  it('counts a write whose condition does not hold by the item that is there', async () => {
    const { run, put } = await setUp();
    const [item] = heavy(hot, 1, 300);
    const write = { TableName, Item: item, ConditionExpression: 'attribute_not_exists(pk)' };
    const statuses: number[] = [];
    for (let call = 0; call < 5; call += 1) statuses.push((await run('PutItem', write)).status);
    expect(statuses).toEqual([200, 400, 400, 400, 400]);
    expect(await put(key(hot))).toEqual(tableIsHot);
  });
});

describe('an index whose partition has nothing left', () => {
  /** Entries of a status in different partitions of the table. */
  const entries = (status: string, count: number, units: number) =>
    Array.from({ length: count }, (_, number) => ({
      ...key(`entry-${status}-${number}`),
      status: { S: status },
      note: kilobytes(units),
    }));
  const acme = { ...key('acme'), status: { S: 'FAILED' } };
  const becomes = (status: string) => ({
    UpdateExpression: 'SET #status = :status',
    ExpressionAttributeNames: { '#status': 'status' },
    ExpressionAttributeValues: { ':status': { S: status } },
  });

  async function withHotIndex() {
    const parts = await setUp();
    await parts.put(acme);
    for (const item of entries('ACTIVE', 4, 300)) expect((await parts.put(item)).status).toBe(200);
    return parts;
  }

  it('refuses every write that changes an entry of it, which changes nothing', async () => {
    const { time, run, put, items } = await withHotIndex();
    const before = await items();
    expect(await put({ ...key('new'), status: { S: 'ACTIVE' } })).toEqual(indexIsHot);
    expect(await run('UpdateItem', { TableName, Key: key('acme'), ...becomes('ACTIVE') })).toEqual(indexIsHot);
    expect(await run('DeleteItem', { TableName, Key: key('entry-ACTIVE-0') })).toEqual(indexIsHot);
    expect(await run('BatchWriteItem', puts([{ ...key('new'), status: { S: 'ACTIVE' } }]))).toEqual(indexIsHot);
    expect(await items()).toEqual(before);
    time.now = 500;
    expect((await put({ ...key('new'), status: { S: 'ACTIVE' } })).status).toBe(200);
  });

  it('lets writes through that change no entry, or one of another partition', async () => {
    const { run, put } = await withHotIndex();
    const set = { UpdateExpression: 'SET note2 = :two', ExpressionAttributeValues: { ':two': { S: 'n' } } };
    expect(await run('UpdateItem', { TableName, Key: key('entry-ACTIVE-0'), ...set })).toEqual({
      status: 200,
      body: {},
    });
    const other = ['FAILED', 'UPDATING', 'ONBOARDING', 'OFFBOARDED'].find(
      (status) => partitionOf({ S: status }) !== partitionOf({ S: 'ACTIVE' }),
    );
    expect((await put({ ...key('new'), status: { S: other } })).status).toBe(200);
  });

  it('cancels a transaction, which is done when it comes again with its token', async () => {
    const { time, run, items } = await withHotIndex();
    const before = await items();
    const input = {
      TransactItems: [
        { Put: { TableName, Item: key('beside') } },
        { Update: { TableName, Key: key('acme'), ...becomes('ACTIVE') } },
      ],
      ClientRequestToken: 'token',
    };
    const { body } = await run('TransactWriteItems', input);
    expect(body.CancellationReasons).toEqual([{ Code: 'None' }, { Code: 'ThrottlingError', Message: ofIndex }]);
    expect(await items()).toEqual(before);
    time.now = 1_000;
    expect(await run('TransactWriteItems', input)).toEqual({ status: 200, body: {} });
    expect(await items()).toContainEqual({ ...acme, status: { S: 'ACTIVE' } });
  });

  it('refuses its own reads, and none of the table', async () => {
    const { run } = await withHotIndex();
    const query = {
      TableName,
      IndexName: 'by-status',
      KeyConditionExpression: '#status = :status',
      ExpressionAttributeNames: { '#status': 'status' },
      ExpressionAttributeValues: { ':status': { S: 'ACTIVE' } },
    };
    let pages = 0;
    while ((await run('Query', query)).status === 200) pages += 1;
    // Some 150 units each.
    expect(pages).toBeGreaterThan(18);
    expect(await run('Query', query)).toEqual(
      refused(ofTable, 'IndexReadKeyRangeThroughputExceeded', `${tableArn}/index/by-status`),
    );
    expect((await run('GetItem', { TableName, Key: key('entry-ACTIVE-0') })).status).toBe(200);
  });
});

it('says what a call took only to who asks, and takes as much of who does not', async () => {
  const { run, put } = await setUp();
  const [item] = heavy(hot, 1, 3);
  expect(await put({ ...item })).toEqual({ status: 200, body: {} });
  const get = { TableName, Key: key(hot, 'HEAVY#0'), ConsistentRead: true };
  expect((await run('GetItem', get)).body).toEqual({ Item: item });
  expect((await run('GetItem', { ...get, ReturnConsumedCapacity: 'NONE' })).body).toEqual({ Item: item });
  expect((await run('GetItem', { ...get, ReturnConsumedCapacity: 'TOTAL' })).body.ConsumedCapacity).toEqual({
    CapacityUnits: 1,
    TableName,
  });
});

it('spares who is exempt, and takes nothing of others for that', async () => {
  const { send, put } = await setUp();
  for (let call = 0; call < 3; call += 1) {
    expect((await send('BatchWriteItem', puts(heavy(hot, 25, 100)), true)).status).toBe(200);
  }
  expect((await put(key(hot))).status).toBe(200);
});

it('refuses what has no form as a table without rates does, and takes nothing for it', async () => {
  const { run, put } = await setUp();
  const without = createDynamoDb();
  await without.createTable(registry);
  const calls: [string, object][] = [
    ['PutItem', { TableName, Item: { pk: { S: hot } } }],
    ['PutItem', { TableName, Item: { ...key(hot), status: { N: '1' } } }],
    ['PutItem', { TableName: 'none', Item: key(hot) }],
    ['UpdateItem', { TableName, Key: key(hot), UpdateExpression: 'no' }],
    ['GetItem', { TableName, Key: { pk: { S: hot } } }],
    ['GetItem', { TableName, Key: key(hot), ReturnConsumedCapacity: 'SOME' }],
    ['Query', { TableName, KeyConditionExpression: 'sk = :sk', ExpressionAttributeValues: { ':sk': { S: 'a' } } }],
    ['BatchWriteItem', puts([{ ...key(hot), text: {} }, ...heavy(hot, 10, 300)])],
    ['BatchWriteItem', puts([...heavy(hot, 2, 300), ...heavy(hot, 2, 300)])],
    ['BatchGetItem', { RequestItems: { [TableName]: { Keys: [{ pk: { S: hot } }] } } }],
    ['TransactWriteItems', { TransactItems: [{ Put: { TableName, Item: { pk: { S: hot } } } }] }],
    ['TransactWriteItems', { TransactItems: [] }],
  ];
  for (const [operation, input] of calls) {
    const { status, body } = await without.handle(`DynamoDB_20120810.${operation}`, headers, JSON.stringify(input));
    expect([operation, await run(operation, input)]).toEqual([operation, { status, body: JSON.parse(body) }]);
    expect(status).toBe(400);
  }
  for (const item of heavy(hot, 3, 300)) expect((await put(item)).status).toBe(200);
  expect((await put(key(hot))).status).toBe(200);
});

it('lets calls of the same moment through one after the other, by what is left', async () => {
  const { send } = await setUp();
  const answers = await Promise.all(heavy(hot, 20, 100).map((Item) => send('PutItem', { TableName, Item })));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
});

it('changes nothing by what it refuses, and all that it says it has done', async () => {
  const pks = fc.constantFrom('a', 'b', 'c');
  const statuses = fc.option(fc.constantFrom('ACTIVE', 'FAILED'), { nil: undefined });
  const item = fc.record({
    pk: pks,
    sk: fc.constantFrom('1', '2'),
    status: statuses,
    units: fc.integer({ min: 1, max: 390 }),
  });
  const write = fc.record({ item, kind: fc.constantFrom('put', 'delete', 'transact'), wait: fc.nat(300) });
  await fc.assert(
    fc.asyncProperty(fc.array(write, { maxLength: 20 }), async (writes) => {
      const { time, run, items } = await setUp();
      const expected = new Map<string, object>();
      for (const {
        item: { pk, sk, status, units },
        kind,
        wait,
      } of writes) {
        time.now += wait;
        const Item = { ...key(pk, sk), ...(status !== undefined && { status: { S: status } }), note: kilobytes(units) };
        const answer = await (kind === 'put'
          ? run('PutItem', { TableName, Item })
          : kind === 'delete'
            ? run('DeleteItem', { TableName, Key: key(pk, sk) })
            : run('TransactWriteItems', { TransactItems: [{ Put: { TableName, Item } }] }));
        if (answer.status !== 200) expect(JSON.stringify(answer.body)).toMatch(/ThrottlingE/);
        else if (kind === 'delete') expected.delete(`${pk} ${sk}`);
        else expected.set(`${pk} ${sk}`, Item);
      }
      const byKey = (all: readonly object[]) =>
        all.map((one) => JSON.stringify(Object.entries(one).toSorted())).toSorted();
      expect(byKey(await items())).toEqual(byKey([...expected.values()]));
    }),
    { numRuns: 20 },
  );
});
