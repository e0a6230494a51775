import { describe, expect, it } from 'vitest';
import { createDynamoDb } from '../../../../../sandbox/services/dynamodb/service.ts';
import { headers } from './headers.ts';

const TableName = 'registry';
const registry = {
  TableName,
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
    { AttributeName: 'status', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  BillingMode: 'PAY_PER_REQUEST',
  GlobalSecondaryIndexes: [
    {
      IndexName: 'by-status',
      KeySchema: [{ AttributeName: 'status', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
} as const;
const tableArn = 'arn:aws:dynamodb:us-east-1:111111111111:table/registry';
const key = { pk: { S: 'SUBSCRIBER#acme' }, sk: { S: 'RECORD' } };
const item = { ...key, attempts: { N: '1' } };
const ifAbsent = { ConditionExpression: 'attribute_not_exists(pk)' };

async function setUp() {
  const dynamoDb = createDynamoDb();
  await dynamoDb.createTable(registry);
  const run = async (operation: string, input: object) => {
    const { status, body } = await dynamoDb.handle(`DynamoDB_20120810.${operation}`, headers, JSON.stringify(input));
    return { status, body: JSON.parse(body) };
  };
  return { dynamoDb, run };
}

describe('a table', () => {
  it('can be used as soon as it is created, under an ARN of this account', async () => {
    const { dynamoDb, run } = await setUp();
    expect(await run('DescribeTable', { TableName })).toMatchObject({
      status: 200,
      body: { Table: { TableStatus: 'ACTIVE', TableArn: tableArn } },
    });
    expect(await run('PutItem', { TableName, Item: item })).toEqual({ status: 200, body: {} });
    expect(await run('GetItem', { TableName, Key: key, ConsistentRead: true })).toEqual({
      status: 200,
      body: { Item: item },
    });
    expect(await dynamoDb.items(TableName)).toEqual([item]);
  });

  it('is refused a second time', async () => {
    const { dynamoDb } = await setUp();
    await expect(dynamoDb.createTable(registry)).rejects.toThrow('ResourceInUseException');
  });

  it('leaves the environment as it was', () => {
    const before = { ...process.env };
    createDynamoDb();
    expect(process.env).toEqual(before);
  });

  it('gives all its items, however many pages they fill', async () => {
    const { dynamoDb, run } = await setUp();
    const text = { S: 'x'.repeat(300_000) };
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await run('PutItem', { TableName, Item: { pk: { S: name }, sk: { S: 'RECORD' }, text } });
    }
    expect(await dynamoDb.items(TableName)).toHaveLength(5);
  });
});

describe('a conditional write', () => {
  it('fails when the condition does', async () => {
    const { run } = await setUp();
    await run('PutItem', { TableName, Item: item, ...ifAbsent });
    const { status, body } = await run('PutItem', { TableName, Item: item, ...ifAbsent });
    expect(status).toBe(400);
    expect(body).toEqual({
      __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
      message: 'The conditional request failed',
    });
  });

  it('answers with the item in its way when asked to', async () => {
    const { run } = await setUp();
    await run('PutItem', { TableName, Item: item });
    const wanted = { TableName, ReturnValuesOnConditionCheckFailure: 'ALL_OLD', ...ifAbsent };
    const failure = { status: 400, body: { message: 'The conditional request failed', Item: item } };
    expect(await run('PutItem', { ...wanted, Item: { ...key, attempts: { N: '2' } } })).toMatchObject(failure);
    expect(await run('DeleteItem', { ...wanted, Key: key })).toMatchObject(failure);
    const none = { ...wanted, ReturnValuesOnConditionCheckFailure: 'NONE' };
    expect((await run('PutItem', { ...none, Item: item })).body).not.toHaveProperty('Item');
  });
});

describe('a global index', () => {
  const definition = {
    ...registry,
    TableName: 'indexed',
    GlobalSecondaryIndexes: [
      {
        IndexName: 'by-status',
        KeySchema: [
          { AttributeName: 'status', KeyType: 'HASH' },
          { AttributeName: 'pk', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['attempts', 'home'] },
      },
    ],
  } as const;
  const query = {
    ...{ TableName: 'indexed', IndexName: 'by-status', KeyConditionExpression: '#s = :s' },
    ExpressionAttributeNames: { '#s': 'status' },
    ExpressionAttributeValues: { ':s': { S: 'ACTIVE' } },
  };
  const put = (Item: object) => ({ TableName: 'indexed', Item });

  it('has the items that have its keys, with its attributes, in its order', async () => {
    const { dynamoDb, run } = await setUp();
    await dynamoDb.createTable(definition);
    const active = { status: { S: 'ACTIVE' } };
    const of = (name: string) => ({ pk: { S: name }, sk: { S: 'RECORD' } });
    await run('PutItem', put({ ...of('b'), ...active, attempts: { N: '1' }, secret: { S: 'x' } }));
    await run('PutItem', put({ ...of('a'), ...active }));
    await run('PutItem', put({ ...of('c'), status: { S: 'FAILED' } }));
    await run('PutItem', put(of('d')));
    const { body } = await run('Query', query);
    expect(body.Items).toEqual([
      { ...of('a'), ...active },
      { ...of('b'), ...active, attempts: { N: '1' } },
    ]);
    const { body: page } = await run('Query', { ...query, Limit: 1 });
    expect(page.LastEvaluatedKey).toEqual({ ...of('a'), ...active });
    // Who loses a key leaves the index.
    await run('PutItem', put(of('a')));
    expect((await run('Query', query)).body.Items).toMatchObject([of('b')]);
  });

  it.each([
    ['a consistent read', { ConsistentRead: true }, 'Consistent reads are not supported on global secondary indexes'],
    ['another name', { IndexName: 'by-name' }, 'The table does not have the specified index: by-name'],
    [
      'attributes that it does not have',
      { Select: 'ALL_ATTRIBUTES' },
      'Select type ALL_ATTRIBUTES is not supported for global secondary index by-status',
    ],
  ])('refuses %s', async (_, changes, message) => {
    const { dynamoDb, run } = await setUp();
    await dynamoDb.createTable(definition);
    expect(await run('Query', { ...query, ...changes })).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining(message) },
    });
  });
});

describe('what it does not have', () => {
  it.each(['TransactGetItems', 'UpdateTimeToLive'])('%s is refused by name', async (operation) => {
    const { run } = await setUp();
    expect(await run(operation, {})).toEqual({
      status: 400,
      body: {
        __type: 'com.amazon.coral.service#UnknownOperationException',
        message: `The sandbox does not have dynamodb:${operation}`,
      },
    });
  });

  it('a member that would be ignored is refused by name', async () => {
    const { dynamoDb, run } = await setUp();
    expect(await run('PutItem', { TableName, Item: item, NewMember: true })).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('NewMember') },
    });
    expect(await dynamoDb.items(TableName)).toEqual([]);
  });

  it('a body that is no JSON is refused', async () => {
    const { dynamoDb } = await setUp();
    const { status, body } = await dynamoDb.handle('DynamoDB_20120810.GetItem', headers, '{');
    expect(status).toBe(400);
    expect(body).toContain('SerializationException');
  });
});

describe('access', () => {
  const leading = (...keys: string[]) => ({ context: { 'dynamodb:LeadingKeys': keys } });
  const query = {
    TableName,
    ExpressionAttributeNames: { '#k': 'pk' },
    ExpressionAttributeValues: { ':pk': { S: 'KEY#1' }, ':sk': { S: 'GRANT#' } },
  };

  it.each<[string, string, object, object[]]>([
    ['a read', 'GetItem', { TableName, Key: key }, [{ resource: tableArn, ...leading('SUBSCRIBER#acme') }]],
    ['a put', 'PutItem', { TableName, Item: item }, [{ resource: tableArn, ...leading('SUBSCRIBER#acme') }]],
    [
      'a query',
      'Query',
      { ...query, KeyConditionExpression: 'begins_with(sk, :sk) AND #k = :pk' },
      [{ resource: tableArn, ...leading('KEY#1') }],
    ],
    [
      'a query of an index',
      'Query',
      {
        TableName,
        IndexName: 'by-status',
        KeyConditionExpression: '(#s = :s)',
        ExpressionAttributeNames: { '#s': 'status' },
        ExpressionAttributeValues: { ':s': { S: 'ACTIVE' } },
      },
      [{ resource: `${tableArn}/index/by-status`, ...leading('ACTIVE') }],
    ],
    ['a scan', 'Scan', { TableName }, [{ resource: tableArn }]],
    [
      'a batch of reads',
      'BatchGetItem',
      { RequestItems: { registry: { Keys: [key, { ...key, pk: { S: 'KEY#1' } }] } } },
      [{ resource: tableArn, ...leading('SUBSCRIBER#acme', 'KEY#1') }],
    ],
    [
      'a batch of writes',
      'BatchWriteItem',
      { RequestItems: { registry: [{ PutRequest: { Item: item } }, { DeleteRequest: { Key: key } }] } },
      [{ resource: tableArn, ...leading('SUBSCRIBER#acme') }],
    ],
    ['a list of tables', 'ListTables', {}, [{ resource: '*' }]],
  ])('of %s', async (_, operation, input, expected) => {
    const { dynamoDb } = await setUp();
    const action = `dynamodb:${operation}`;
    expect(dynamoDb.access(operation, input)).toEqual(expected.map((access) => ({ action, ...access })));
  });

  it('knows the keys of a table that was created over the wire', async () => {
    const { dynamoDb, run } = await setUp();
    await run('CreateTable', { ...registry, TableName: 'other' });
    expect(dynamoDb.access('GetItem', { TableName: 'other', Key: key })).toMatchObject([leading('SUBSCRIBER#acme')]);
  });

  it('of an input without form is refused', async () => {
    const { dynamoDb } = await setUp();
    expect(() => dynamoDb.access('GetItem', { TableName, Key: 'acme' })).toThrow('Key');
  });
});
