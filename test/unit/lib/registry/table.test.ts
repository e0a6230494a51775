import { DynamoDBClient, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, it, vi } from 'vitest';
import { writeTogether } from '../../../../lib/registry/table.ts';

const cancelled = (...codes: string[]) =>
  new TransactionCanceledException({
    message: 'Transaction cancelled',
    $metadata: {},
    CancellationReasons: codes.map((Code) => ({ Code })),
  });
const action = { Delete: { TableName: 'registry', Key: { pk: 'a', sk: 'b' } } };

function setUp() {
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'us-east-1' }));
  const mock = mockClient(documents);
  const writes = mock.on(TransactWriteCommand);
  return {
    writes,
    tries: () => mock.calls().length,
    write: () => writeTogether({ documents }, [action, action, action]),
  };
}

it('returns the conditions that do not hold by their places', async () => {
  const { writes, write } = setUp();
  writes.resolves({});
  expect(await write()).toEqual(new Map());
  writes.rejects(cancelled('ConditionalCheckFailed', 'None', 'ConditionalCheckFailed'));
  expect(await write()).toEqual(
    new Map([
      [0, undefined],
      [2, undefined],
    ]),
  );
});

it.each(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'])(
  'tries again what was refused for a %s, which the SDK does not',
  async (code) => {
    const { writes, write } = setUp();
    writes.rejectsOnce(cancelled('None', code)).resolvesOnce({});
    expect(await write()).toEqual(new Map());
  },
);

it('gives up with an error that the state machines retry when the conflict lasts', async () => {
  const { writes, tries, write } = setUp();
  // No pause.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  writes.rejects(cancelled('TransactionConflict'));
  await expect(write()).rejects.toMatchObject({ name: 'TransactionConflictException' });
  expect(tries()).toBe(6);
});

it('says what does not hold beside a conflict', async () => {
  const { writes, write } = setUp();
  writes.rejects(cancelled('TransactionConflict', 'ConditionalCheckFailed'));
  expect(await write()).toEqual(new Map([[1, undefined]]));
});

it.each([
  ['is refused for another reason', cancelled('ValidationError')],
  ['fails otherwise', Object.assign(new Error('no'), { name: 'AccessDeniedException' })],
])('throws when it %s', async (_, error) => {
  const { writes, write } = setUp();
  writes.rejects(error);
  await expect(write()).rejects.toBe(error);
});
