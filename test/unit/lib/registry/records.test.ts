import { BatchGetCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { documentClient } from '../../../../lib/registry/document-client.ts';
import { readRecords } from '../../../../lib/registry/records.ts';

const tableName = 'registry';
const keyOf = (pk: string) => ({ pk, sk: 'RECORD' });
const keys = (...pks: string[]) => ({ registry: { Keys: pks.map(keyOf) } });

function setUp() {
  const client = mockClient(DynamoDBDocumentClient);
  const asked = () => client.commandCalls(BatchGetCommand).map(({ args }) => args[0].input.RequestItems);
  return { client, asked, registry: { documents: documentClient(), tableName } };
}

describe('records', () => {
  it('are read consistently, and what DynamoDB leaves unread is asked for again', async () => {
    const { client, asked, registry } = setUp();
    const active = { ...keyOf('b'), status: 'ACTIVE' };
    client
      .on(BatchGetCommand)
      .resolvesOnce({ Responses: { registry: [active] }, UnprocessedKeys: keys('a') })
      .resolvesOnce({ Responses: { registry: [keyOf('a')] }, UnprocessedKeys: {} });
    expect(await readRecords(registry, ['a', 'b', 'c'])).toEqual(
      new Map([
        ['b', active],
        ['a', keyOf('a')],
      ]),
    );
    expect(asked()).toEqual([
      { registry: { Keys: ['a', 'b', 'c'].map(keyOf), ConsistentRead: true } },
      { registry: { Keys: [keyOf('a')], ConsistentRead: true } },
    ]);
  });

  it('that DynamoDB never reads are an error, and not missing', async () => {
    const { client, asked, registry } = setUp();
    client.on(BatchGetCommand).resolves({ Responses: {}, UnprocessedKeys: keys('a', 'b') });
    await expect(readRecords(registry, ['a', 'b', 'c'])).rejects.toThrow('has left 2 of 3 records unread');
    expect(asked()).toHaveLength(5);
  });

  it('of nobody are not asked for', async () => {
    const { asked, registry } = setUp();
    expect(await readRecords(registry, [])).toEqual(new Map());
    expect(asked()).toEqual([]);
  });
});
