import { describe, expect, it } from 'vitest';
import { createDynamoDb } from '../../../../../sandbox/services/dynamodb/service.ts';
import { headers } from './headers.ts';

const TableName = 'registry';
const table = (name: string) =>
  ({
    TableName: name,
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    BillingMode: 'PAY_PER_REQUEST',
  }) as const;
const keyOf = (name: string) => ({ pk: { S: name }, sk: { S: 'RECORD' } });
const itemOf = (name: string, owner: string) => ({ ...keyOf(name), owner: { S: owner } });
const put = (name: string, owner = 'one', more: object = {}) => ({
  Put: { TableName, Item: itemOf(name, owner), ...more },
});
const ifOwner = (owner: string) => ({
  ConditionExpression: '#o = :o',
  ExpressionAttributeNames: { '#o': 'owner' },
  ExpressionAttributeValues: { ':o': { S: owner } },
});
const check = (name: string, owner: string, more: object = {}) => ({
  ConditionCheck: { TableName, Key: keyOf(name), ...ifOwner(owner), ...more },
});

async function setUp() {
  const dynamoDb = createDynamoDb();
  await dynamoDb.createTable(table(TableName));
  const run = async (operation: string, input: object) => {
    const { status, body } = await dynamoDb.handle(`DynamoDB_20120810.${operation}`, headers, JSON.stringify(input));
    return { status, body: JSON.parse(body) };
  };
  const write = (TransactItems: object[], rest: object = {}) => run('TransactWriteItems', { TransactItems, ...rest });
  const owners = async () =>
    Object.fromEntries((await dynamoDb.items(TableName)).map(({ pk, owner }) => [pk?.S, owner?.S ?? null]));
  return { dynamoDb, run, write, owners };
}

describe('a transaction', () => {
  it('writes, changes, deletes and checks together', async () => {
    const { write, owners } = await setUp();
    await write([put('a'), put('b'), put('c')]);
    const change = { TableName, Key: keyOf('a'), UpdateExpression: 'SET #o = :new' };
    const names = { ExpressionAttributeNames: { '#o': 'owner' }, ExpressionAttributeValues: { ':new': { S: 'two' } } };
    const answer = await write([
      { Update: { ...change, ...names } },
      { Delete: { TableName, Key: keyOf('b') } },
      check('c', 'one'),
      put('d'),
    ]);
    expect(answer).toEqual({ status: 200, body: {} });
    expect(await owners()).toEqual({ a: 'two', c: 'one', d: 'one' });
  });

  it('changes nothing when one condition does not hold, and returns a reason for each action', async () => {
    const { write, owners } = await setUp();
    await write([put('a'), put('b')]);
    const { status, body } = await write([
      put('a', 'two'),
      { Delete: { TableName, Key: keyOf('b') } },
      check('a-nother', 'one'),
      put('new'),
      check('none', 'one'),
    ]);
    expect(status).toBe(400);
    expect(body).toEqual({
      __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
      Message:
        'Transaction cancelled, please refer cancellation reasons for specific reasons [None, None, ConditionalCheckFailed, None, ConditionalCheckFailed]',
      CancellationReasons: [
        { Code: 'None' },
        { Code: 'None' },
        { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' },
        { Code: 'None' },
        { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' },
      ],
    });
    expect(await owners()).toEqual({ a: 'one', b: 'one' });
  });

  it('leaves an item that it checks as it is', async () => {
    const { write, run, dynamoDb } = await setUp();
    await run('PutItem', { TableName, Item: { ...itemOf('a', 'one'), list: { L: [{ N: '1' }] } } });
    const before = await dynamoDb.items(TableName);
    await write([check('a', 'one')]);
    expect(await dynamoDb.items(TableName)).toEqual(before);
  });

  it('returns the item that a condition failed on, to who wants it', async () => {
    const { write } = await setUp();
    await write([put('a')]);
    const { body } = await write([check('a', 'two', { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' })]);
    expect(body.CancellationReasons).toMatchObject([{ Code: 'ConditionalCheckFailed', Item: itemOf('a', 'one') }]);
  });

  it('is not done again for the same token, and refused for other parameters', async () => {
    const { write, owners } = await setUp();
    const token = { ClientRequestToken: 'token-1' };
    await write([put('a')], token);
    await write([put('a', 'two')]);
    expect(await write([put('a')], token)).toEqual({ status: 200, body: {} });
    expect(await owners()).toEqual({ a: 'two' });
    expect(await write([put('b')], token)).toMatchObject({
      status: 400,
      body: { __type: expect.stringContaining('IdempotentParameterMismatchException') },
    });
  });

  it('that was cancelled may succeed with the same token', async () => {
    const { write, owners } = await setUp();
    const token = { ClientRequestToken: 'token-1' };
    await write([check('a', 'one')], token);
    await write([put('a')]);
    expect(await write([check('a', 'one')], token)).toMatchObject({ status: 200 });
    expect(await owners()).toEqual({ a: 'one' });
  });

  it('is isolated from whatever else is called: one of many wins, and nobody sees half of it', async () => {
    const { write, run, dynamoDb } = await setUp();
    const absent = { ConditionExpression: 'attribute_not_exists(pk)' };
    const writers = Array.from({ length: 8 }, (_, each) =>
      // The last one is refused, when the others were written already.
      write([put(`a-${each}`), put(`b-${each}`), put('only', `${each}`, absent)]),
    );
    const halves: number[] = [];
    const readers = Array.from({ length: 20 }, async () => {
      const { body } = await run('Scan', { TableName, ConsistentRead: true });
      halves.push(body.Count);
    });
    const statuses = (await Promise.all(writers)).map(({ status }) => status);
    await Promise.all(readers);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(await dynamoDb.items(TableName)).toHaveLength(3);
    expect(new Set([...halves, 0, 3])).toEqual(new Set([0, 3]));
  });
});

describe('a transaction that cannot be', () => {
  const twice = 'Transaction request cannot include multiple operations on one item';
  it.each<[string, object[], object, string]>([
    ['of nothing', [], {}, 'TransactItems'],
    ['of two actions on one item', [put('a'), check('a', 'one')], {}, twice],
    ['of a check without a condition', [{ ConditionCheck: { TableName, Key: keyOf('a') } }], {}, 'TransactItems.0'],
    ['with a member that would be ignored', [put('a', 'one', { NewMember: 1 })], {}, 'TransactItems.0'],
    ['that asks for its consumed capacity', [put('a')], { ReturnConsumedCapacity: 'TOTAL' }, 'ReturnConsumedCapacity'],
    ['of several tables', [put('a'), put('b', 'one', { TableName: 'other' })], {}, 'no transactions of several tables'],
    ['without the whole key', [{ Delete: { TableName, Key: { pk: { S: 'a' } } } }], {}, 'does not match the schema'],
    ['of no table', [put('a', 'one', { TableName: 'other' })], {}, 'Requested resource not found'],
    ['with an expression without form', [put('a', 'one', { ConditionExpression: '=' })], {}, 'Syntax error'],
  ])('%s is refused', async (_, actions, rest, message) => {
    const { write, owners } = await setUp();
    expect(await write([put('before')])).toMatchObject({ status: 200 });
    const { status, body } = await write(actions, rest);
    expect({ status, message: body.message }).toEqual({ status: 400, message: expect.stringContaining(message) });
    expect(await owners()).toEqual({ before: 'one' });
  });
});

describe('access of a transaction', () => {
  it('is that of each of its actions', async () => {
    const { dynamoDb } = await setUp();
    const Key = keyOf('b');
    const actions = [put('a'), { Delete: { TableName, Key } }, check('c', 'one')];
    const update = { Update: { TableName, Key: keyOf('d'), UpdateExpression: 'REMOVE #o' } };
    expect(dynamoDb.access('TransactWriteItems', { TransactItems: [...actions, update] })).toEqual(
      [
        ['PutItem', 'a'],
        ['DeleteItem', 'b'],
        ['ConditionCheckItem', 'c'],
        ['UpdateItem', 'd'],
      ].map(([operation, key]) => ({
        action: `dynamodb:${operation}`,
        resource: 'arn:aws:dynamodb:us-east-1:111111111111:table/registry',
        context: { 'dynamodb:LeadingKeys': [key] },
      })),
    );
    expect(() => dynamoDb.access('TransactWriteItems', { TransactItems: [{}] })).toThrow('TransactItems');
  });
});
