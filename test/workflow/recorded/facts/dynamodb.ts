import * as v from 'valibot';
import { answered, call, fact, type Recordings, refused } from '../fact.ts';

const throughput = { ReadCapacityUnits: 5, WriteCapacityUnits: 5 };
const described = { NumberOfDecreasesToday: 0, ...throughput };
const table = (TableName: string, keys: readonly string[] = ['id']) => ({
  TableName,
  KeySchema: keys.map((AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
  AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
  ProvisionedThroughput: throughput,
});
const description = (TableName: string) => ({
  AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  CreationDateTime: '(date)',
  DeletionProtectionEnabled: false,
  ItemCount: 0,
  KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  ProvisionedThroughput: described,
  TableArn: `arn:aws:dynamodb:us-east-1:111111111111:table/${TableName}`,
  TableId: '<id>',
  TableName,
  TableSizeBytes: 0,
});
const date = '2025-10-08';
const one = { id: { S: 'id1' }, data: { S: 'foobar' } };
const put = (TableName: string, Item: object, more: object = {}) => ({ TableName, Item, ...more });
const old = { ReturnValues: 'ALL_OLD' };
const item = { id: { S: '456' }, price: { N: '650' }, product: { S: 'sporting goods' } };
const greeting = { id: { S: 'id1' }, data: { S: 'HelloWorld' } };
const numbered = { PK: { S: 'test one' }, SK: { S: 'hello' }, LSI1SK: { N: '123' } };
const tags = [
  { Key: 'TagKey1', Value: 'TagValue1' },
  { Key: 'TagKey2', Value: 'TagValue2' },
];

export const dynamodb: Recordings = {
  service: 'dynamodb',
  file: 'dynamodb/test_dynamodb.snapshot.json',
  tests: [
    {
      test: 'TestDynamoDB::test_return_values_in_put_item',
      date,
      steps: [
        call('CreateTable', table('put-item')),
        fact('PutFirstItem', 'PutItem', put('put-item', one, old), answered({}), { afterAll: true }),
        fact('PutFirstItemOLD', 'PutItem', put('put-item', one, old), answered({ Attributes: one })),
        fact(
          'PutFirstItemB',
          'PutItem',
          put('put-item', { ...one, data: { S: 'barfoo' } }, old),
          answered({ Attributes: one }),
        ),
        fact('PutSecondItem', 'PutItem', put('put-item', one), answered({})),
        fact('PutSecondItemReturnNone', 'PutItem', put('put-item', one), answered({})),
      ],
    },
    {
      test: 'TestDynamoDB::test_create_duplicate_table',
      date,
      steps: [
        call('CreateTable', table('duplicate')),
        fact(
          'Error',
          'CreateTable',
          table('duplicate'),
          refused('ResourceInUseException', 'Table already exists: duplicate'),
          { afterAll: true },
        ),
      ],
    },
    {
      test: 'TestDynamoDB::test_transaction_write_items',
      date: '2026-01-07',
      steps: [
        call('CreateTable', table('transaction')),
        fact(
          'Response',
          'TransactWriteItems',
          {
            TransactItems: [
              { Put: { TableName: 'transaction', Item: { id: { S: 'test1' } } } },
              { Delete: { TableName: 'transaction', Key: { id: { S: 'test2' } } } },
            ],
          },
          answered({}),
          { afterAll: true },
        ),
      ],
    },
    {
      test: 'TestDynamoDB::test_transaction_write_canceled',
      date,
      steps: [
        call('CreateTable', table('canceled')),
        call('PutItem', put('canceled', { id: { S: 'Fred' } }), { afterAll: true }),
        fact(
          'Error',
          'TransactWriteItems',
          {
            TransactItems: [
              {
                ConditionCheck: {
                  TableName: 'canceled',
                  ConditionExpression: 'attribute_not_exists(id)',
                  Key: { id: { S: 'Fred' } },
                },
              },
              { Delete: { TableName: 'canceled', Key: { id: { S: 'Bert' } } } },
            ],
          },
          refused(
            'TransactionCanceledException',
            'Transaction cancelled, please refer cancellation reasons for specific reasons [ConditionalCheckFailed, None]',
          ),
        ),
      ],
    },
    {
      test: 'TestDynamoDB::test_batch_write_items',
      date,
      steps: [
        call('CreateTable', table('batch')),
        call('PutItem', put('batch', { id: { S: 'Fred' } }), { afterAll: true }),
        fact(
          'BatchWriteResponse',
          'BatchWriteItem',
          {
            RequestItems: {
              batch: [
                { DeleteRequest: { Key: { id: { S: 'Fred' } } } },
                { PutRequest: { Item: { id: { S: 'Bob' } } } },
              ],
            },
          },
          answered({ UnprocessedItems: {} }),
        ),
      ],
    },
    {
      test: 'TestDynamoDB::test_dynamodb_get_batch_items',
      date,
      steps: [
        call('CreateTable', table('get-batch')),
        fact(
          'Response',
          'BatchGetItem',
          { RequestItems: { 'get-batch': { Keys: [{ id: { S: 'test-key' } }] } } },
          answered({ Responses: { 'get-batch': [] }, UnprocessedKeys: {} }),
          { afterAll: true },
        ),
      ],
    },
    {
      test: 'TestDynamoDB::test_dynamodb_pay_per_request',
      date,
      steps: [
        fact(
          'Error',
          'CreateTable',
          { ...table('pay-per-request'), BillingMode: 'PAY_PER_REQUEST' },
          refused(
            'ValidationException',
            'One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST',
          ),
        ),
      ],
    },
    {
      test: 'TestDynamoDB::test_dynamodb_idempotent_writing',
      date,
      steps: [
        call('CreateTable', table('idempotent', ['id', 'name'])),
        ...['Response1', 'Response2'].map((key) =>
          fact(
            key,
            'TransactWriteItems',
            {
              ClientRequestToken: 'dedupe_token',
              TransactItems: [{ Put: { TableName: 'idempotent', Item: { id: { S: 'id1' }, name: { S: 'name1' } } } }],
            },
            answered({}),
            { afterAll: true },
          ),
        ),
      ],
    },
    {
      test: 'TestDynamoDB::test_batch_write_not_matching_schema',
      date,
      steps: [
        call('CreateTable', table('schema', ['id', 'sortKey'])),
        fact(
          'ValidationException',
          'BatchWriteItem',
          { RequestItems: { schema: [{ PutRequest: { Item: { nonKey: { S: 'hello' } } } }] } },
          refused('ValidationException', 'The provided key element does not match the schema'),
          { afterAll: true },
        ),
      ],
    },
    {
      test: 'TestDynamoDB::test_batch_write_not_existing_table',
      date,
      steps: [
        fact(
          'exc-not-found-transact-write-items',
          'TransactWriteItems',
          { TransactItems: [{ Put: { TableName: 'non-existing-table', Item: {} } }] },
          refused('ResourceNotFoundException', 'Requested resource not found'),
        ),
      ],
    },
    {
      test: 'TestDynamoDB::test_return_values_on_conditions_check_failure',
      date,
      steps: [
        call('CreateTable', table('condition')),
        call('PutItem', put('condition', item), { afterAll: true }),
        fact(
          'items',
          'DeleteItem',
          {
            TableName: 'condition',
            Key: { id: { S: '456' } },
            ConditionExpression: 'price between :lo and :hi',
            ExpressionAttributeValues: { ':lo': { N: '500' }, ':hi': { N: '600' } },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          },
          refused('ConditionalCheckFailedException', 'The conditional request failed'),
        ),
      ],
    },
    {
      test: 'TestDynamoDB::test_table_crud',
      date,
      steps: [
        fact(
          'create-table',
          'CreateTable',
          table('crud'),
          answered({ TableDescription: { ...description('crud'), TableStatus: 'CREATING' } }),
        ),
        fact(
          'describe-table',
          'DescribeTable',
          { TableName: 'crud' },
          answered({
            Table: {
              ...description('crud'),
              TableStatus: 'ACTIVE',
              WarmThroughput: { ReadUnitsPerSecond: 5, Status: 'ACTIVE', WriteUnitsPerSecond: 5 },
            },
          }),
          { afterAll: true },
        ),
        fact(
          'delete-table',
          'DeleteTable',
          { TableName: 'crud' },
          answered({
            TableDescription: {
              DeletionProtectionEnabled: false,
              ItemCount: 0,
              ProvisionedThroughput: described,
              TableArn: 'arn:aws:dynamodb:us-east-1:111111111111:table/crud',
              TableId: '<id>',
              TableName: 'crud',
              TableSizeBytes: 0,
              TableStatus: 'DELETING',
            },
          }),
        ),
        fact(
          'delete-non-existent-table',
          'DeleteTable',
          { TableName: 'non-existent' },
          refused('ResourceNotFoundException', 'Requested resource not found: Table: non-existent not found'),
        ),
      ],
    },
    {
      test: 'TestTaskServiceAwsSdk::test_dynamodb_put_update_get_item',
      file: 'stepfunctions/v2/services/test_aws_sdk_task_service.snapshot.json',
      date: '2025-11-06',
      steps: [
        call('CreateTable', table('update-item')),
        fact('put', 'PutItem', put('update-item', greeting), answered({}), { afterAll: true }),
        fact(
          'update',
          'UpdateItem',
          {
            TableName: 'update-item',
            Key: { id: { S: 'id1' } },
            UpdateExpression: 'set S=:r',
            ExpressionAttributeValues: { ':r': { S: 'HelloWorldUpdated' } },
            ReturnValues: 'UPDATED_NEW',
          },
          answered({ Attributes: { S: { S: 'HelloWorldUpdated' } } }),
        ),
        fact(
          'get',
          'GetItem',
          { TableName: 'update-item', Key: { id: { S: 'id1' } } },
          answered({ Item: { ...greeting, S: { S: 'HelloWorldUpdated' } } }),
        ),
      ],
    },
    {
      test: 'TestDynamoDB::test_valid_local_secondary_index',
      date,
      steps: [
        call('CreateTable', {
          ...table('by-number', ['PK', 'SK']),
          AttributeDefinitions: [
            { AttributeName: 'PK', AttributeType: 'S' },
            { AttributeName: 'SK', AttributeType: 'S' },
            { AttributeName: 'LSI1SK', AttributeType: 'N' },
          ],
          LocalSecondaryIndexes: [
            {
              IndexName: 'LSI1',
              KeySchema: [
                { AttributeName: 'PK', KeyType: 'HASH' },
                { AttributeName: 'LSI1SK', KeyType: 'RANGE' },
              ],
              Projection: { ProjectionType: 'ALL' },
            },
          ],
        }),
        call('PutItem', put('by-number', numbered), { afterAll: true }),
        fact(
          'Items',
          'Query',
          {
            TableName: 'by-number',
            IndexName: 'LSI1',
            KeyConditionExpression: 'PK = :v1',
            ExpressionAttributeValues: { ':v1': { S: 'test one' } },
            Select: 'ALL_ATTRIBUTES',
          },
          answered({ Count: 1, Items: [numbered], ScannedCount: 1 }),
        ),
      ],
    },
    {
      test: 'TestDynamoDB::test_dynamodb_execute_transaction',
      date,
      steps: [
        call('CreateTable', table('scanned')),
        call('PutItem', put('scanned', { id: { S: 'user01' } }), { afterAll: true }),
        fact(
          'TableScan',
          'Scan',
          { TableName: 'scanned' },
          answered({ Count: 1, Items: [{ id: { S: 'user01' } }], ScannedCount: 1 }),
        ),
      ],
    },
    {
      test: 'TestDynamoDB::test_table_crud',
      file: 'dynamodb/test_dynamodb.py',
      date,
      steps: [
        call('CreateTable', table('listed')),
        fact('listed', 'ListTables', { ExclusiveStartTableName: 'liste' }, answered('listed'), {
          afterAll: true,
          pick: (answer) => v.parse(v.object({ TableNames: v.array(v.string()) }), answer).TableNames[0],
        }),
      ],
    },
    {
      test: 'test_ttl_cdk',
      file: 'cloudformation/resources/test_dynamodb.snapshot.json',
      date: '2024-02-14',
      prepare: ({ registryTable }) => ({ registry: registryTable }),
      steps: [
        fact(
          'table',
          'DescribeTimeToLive',
          { TableName: '$registry' },
          answered({ TimeToLiveDescription: { AttributeName: '<name>', TimeToLiveStatus: 'ENABLED' } }),
        ),
      ],
    },
    {
      test: 'test_default_name_for_table',
      file: 'cloudformation/resources/test_dynamodb.snapshot.json',
      date: '2025-10-13',
      steps: [
        call('CreateTable', table('tagged'), { keep: { arn: 'TableDescription.TableArn' } }),
        call('TagResource', { ResourceArn: '$arn', Tags: tags }, { afterAll: true }),
        fact('list_tags_of_resource', 'ListTagsOfResource', { ResourceArn: '$arn' }, answered({ Tags: tags })),
      ],
    },
  ],
};
