import { describe, expect, it } from 'vitest';
import { setUp } from '../cloudformation/cloudformation-fixture.ts';

const StackName = 'deployment';
const key = (AttributeName: string) => ({ AttributeName, KeyType: 'HASH' });
const index = (name: string, attribute: string, Projection: object = { ProjectionType: 'ALL' }) => ({
  IndexName: name,
  KeySchema: [key(attribute)],
  Projection,
});
const template = (indexes: readonly object[], types: Record<string, string> = {}, more: object = {}) =>
  JSON.stringify({
    Resources: {
      Registry: {
        Type: 'AWS::DynamoDB::Table',
        Properties: {
          TableName: 'registry',
          AttributeDefinitions: Object.entries({ pk: 'S', ...types }).map(([AttributeName, AttributeType]) => ({
            AttributeName,
            AttributeType,
          })),
          KeySchema: [key('pk')],
          ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
          TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
        },
      },
      ...more,
    },
  });
const headers = {
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-date': '20260101T000000Z',
  authorization: 'AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=0',
};
const failing = {
  Failing: {
    Type: 'AWS::SQS::Queue',
    Properties: { QueueName: 'x', MessageRetentionPeriod: 60, FifoQueue: true },
    DependsOn: 'Registry',
  },
};
const byStatus = [[index('by-status', 'status')], { status: 'S' }] as const;

/** A stack with a table of these indexes, and two items in it. */
async function withTable(TemplateBody: string) {
  const world = setUp();
  const { call, settled, dynamoDb, cloudFormation } = world;
  await call('CreateStack', { StackName, TemplateBody });
  expect(await settled(StackName)).toMatchObject({ status: 'CREATE_COMPLETE' });
  const send = async (operation: string, input: object) => {
    const body = JSON.stringify({ TableName: 'registry', ...input });
    const response = await dynamoDb.handle(`DynamoDB_20120810.${operation}`, headers, body);
    return { status: response.status, body: JSON.parse(response.body) };
  };
  await send('PutItem', { Item: { pk: { S: 'acme' }, status: { S: 'ACTIVE' } } });
  await send('PutItem', { Item: { pk: { S: 'run' } } });
  return {
    ...world,
    async update(next: string) {
      await call('UpdateStack', { StackName, TemplateBody: next });
      const { status } = await settled(StackName);
      const events = cloudFormation.stack(StackName)?.events ?? [];
      const reason = events.findLast(({ ResourceStatus }) => ResourceStatus === 'UPDATE_FAILED')?.ResourceStatusReason;
      return { status, reason };
    },
    query: () =>
      send('Query', {
        IndexName: 'by-status',
        KeyConditionExpression: '#s = :s',
        ExpressionAttributeNames: { '#s': 'status' },
        ExpressionAttributeValues: { ':s': { S: 'ACTIVE' } },
      }),
    names: async () => (await dynamoDb.items('registry')).map(({ pk }) => pk?.S).toSorted(),
  };
}

describe('the indexes of a table', () => {
  it('gets one in an update, with the items that have its key, and loses it again', async () => {
    const { update, query, names, cloudFormation, dynamoDb } = await withTable(template([]));
    expect(await query()).toMatchObject({ status: 400 });
    expect(await update(template(...byStatus))).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(await query()).toMatchObject({ body: { Items: [{ pk: { S: 'acme' } }] } });
    expect(cloudFormation.tables()).toMatchObject([{ name: 'registry', timeToLive: 'expires' }]);
    expect(await update(template([]))).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(await query()).toMatchObject({ status: 400 });
    expect(await names()).toEqual(['acme', 'run']);
    expect(await dynamoDb.hasTable('registry')).toBe(true);
  });

  it('has none any more when the update is taken back', async () => {
    const { update, query, names } = await withTable(template([]));
    expect(await update(template(...byStatus, failing))).toMatchObject({ status: 'UPDATE_ROLLBACK_COMPLETE' });
    expect(await query()).toMatchObject({ status: 400 });
    expect(await names()).toEqual(['acme', 'run']);
  });

  it('has them as they were when another property changes', async () => {
    const { update, query } = await withTable(template(...byStatus));
    const other = template(...byStatus).replace('"expires"', '"expiresAt"');
    expect(await update(other)).toMatchObject({ status: 'UPDATE_COMPLETE' });
    expect(await query()).toMatchObject({ body: { Count: 1 } });
  });

  const both = [index('by-status', 'status'), index('by-home', 'home')];
  it.each([
    [
      'two at a time',
      template([]),
      template(both, { status: 'S', home: 'S' }),
      'Cannot perform more than one GSI creation or deletion in a single update',
    ],
    [
      'one for another',
      template([index('by-home', 'home')], { home: 'S' }),
      template(...byStatus),
      'Cannot perform more than one GSI creation or deletion in a single update',
    ],
    [
      'another projection',
      template(...byStatus),
      template([index('by-status', 'status', { ProjectionType: 'KEYS_ONLY' })], { status: 'S' }),
      "Cannot update GSI's properties other than Provisioned Throughput",
    ],
    [
      'another type of an attribute',
      template(...byStatus),
      template([index('by-status', 'status')], { status: 'N' }),
      'CloudFormation cannot update a stack when a custom-named resource requires replacing.',
    ],
    ['a key that is not defined', template([]), template([index('by-status', 'status')]), 'not defined'],
    [
      'a key that an item has as another type',
      template([]),
      template([index('by-status', 'status')], { status: 'N' }),
      'Type mismatch for Index Key status',
    ],
  ])('cannot be %s', async (_name, before, after, message) => {
    const { update, names } = await withTable(before);
    const { status, reason } = await update(after);
    expect(status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(reason).toContain(message);
    expect(await names()).toEqual(['acme', 'run']);
  });
});
