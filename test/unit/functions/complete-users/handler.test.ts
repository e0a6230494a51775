import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/complete-users/environment.ts';
import { environmentOf } from '../environment.ts';
import { ofExecution } from '../event-detail.ts';
import { errorOf, lambda, now } from '../lambda.ts';
import { otherExecutionArn } from '../plan.ts';
import { addUserArn, usersPlan } from '../users-plan.ts';

const record = (executionArn: string, users?: string[]) => ({
  userName: 'Acme',
  status: 'ADDING_USERS',
  executionArn,
  updatedAt: '',
  attempts: [],
  ...(users && { users }),
});
const alice = {
  userName: 'Alice',
  outcome: 'added',
  credentialsSecretId: 'infinstor/test/subscribers/acme/users/alice',
};
const failedWith = (outcome: string, name: string, message: string) => ({
  userName: 'bob',
  outcome,
  error: { name, message, remedy: 'Do.' },
});
const exists = failedWith('exists', 'UserExists', 'InfinStor has one');
const progressOf = (...results: object[]) => ({ next: results.length, hasMore: false, results });

function setUp({ owner = addUserArn, users }: { owner?: string; users?: string[] } = {}) {
  const documents = mockClient(DynamoDBDocumentClient);
  documents
    .on(UpdateCommand)
    .resolves({})
    .on(GetCommand)
    .resolves({ Item: record(owner, users) });
  const events = mockClient(EventBridgeClient);
  events.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: 'event-1' }] });
  const load = () => import('../../../../functions/complete-users/handler.ts');
  const invoke = lambda(load, environmentOf(environmentSchema));
  const published = () =>
    events
      .commandCalls(PutEventsCommand)
      .flatMap(({ args: [{ input }] }) => input.Entries ?? [])
      .map(({ DetailType, Detail }) => ({ DetailType, detail: JSON.parse(Detail ?? '') }));
  const updates = () => documents.commandCalls(UpdateCommand).map(({ args: [{ input }] }) => input);
  return { documents, events, invoke, published, updates };
}

describe('when all users were added', () => {
  const event = { plan: usersPlan, progress: progressOf(alice) };
  const output = { userName: 'Acme', users: [alice] };

  it('publishes UsersAdded, and then marks the record as active, with the names', async () => {
    const { invoke, documents, events, published, updates } = setUp({ users: ['zoe', 'ALICE'] });
    expect(await invoke(event)).toEqual(output);
    expect(published()).toEqual([
      { DetailType: 'UsersAdded', detail: { ...ofExecution, ...output, executionArn: addUserArn } },
    ]);
    expect(updates()).toMatchObject([
      {
        Key: { pk: 'SUBSCRIBER#acme', sk: 'RECORD' },
        ConditionExpression: expect.stringContaining('#executionArn = :onlyIfOf'),
        UpdateExpression:
          'SET #status = :status, #users = :users, #updatedAt = :updatedAt, #schemaVersion = :schemaVersion REMOVE #lastError',
        ExpressionAttributeValues: { ':status': 'ACTIVE', ':users': ['zoe', 'ALICE'], ':onlyIfOf': addUserArn },
      },
    ]);
    const [put] = events.commandCalls(PutEventsCommand);
    const [update] = documents.commandCalls(UpdateCommand);
    expect(update && put?.calledBefore(update)).toBe(true);
  });

  it('adds the names that are new', async () => {
    const { invoke, updates } = setUp({ users: ['zoe'] });
    await invoke(event);
    expect(updates()[0]?.ExpressionAttributeValues).toMatchObject({ ':users': ['zoe', 'Alice'] });
  });
});

describe('when a user was not added', () => {
  it('is UsersNotAdded after the others are recorded and reported, and leaves the status to who records the failure', async () => {
    const { invoke, published, updates } = setUp();
    const weak = { ...failedWith('rejected', 'InfinStorRejected', `${'no '.repeat(159)}cut!`), userName: 'carol' };
    const error = errorOf(
      'UsersNotAdded',
      `2 of 3 users of Acme were not added: bob: UserExists (InfinStor has one); carol: InfinStorRejected (${'no '.repeat(159)}…); added: Alice`,
    );
    await expect(invoke({ plan: usersPlan, progress: progressOf(alice, exists, weak) })).rejects.toMatchObject(error);
    expect(published()).toMatchObject([{ DetailType: 'UsersAdded', detail: { users: [alice, exists, weak] } }]);
    expect(updates()).toMatchObject([
      {
        UpdateExpression: 'SET #users = :users, #updatedAt = :updatedAt, #schemaVersion = :schemaVersion',
        ConditionExpression: expect.stringContaining('#executionArn = :onlyIfOf'),
        ExpressionAttributeValues: { ':users': ['Alice'], ':updatedAt': now.toISOString(), ':onlyIfOf': addUserArn },
      },
    ]);
  });

  it('reports and records nothing when none was', async () => {
    const { invoke, published, updates } = setUp();
    await expect(invoke({ plan: usersPlan, progress: progressOf(exists) })).rejects.toMatchObject({
      name: 'UsersNotAdded',
    });
    expect([published(), updates()]).toEqual([[], []]);
  });
});

describe.each([
  // How often the record is read before it is written.
  { when: 'all were added', progress: progressOf(alice), reads: 2 },
  { when: 'one was not', progress: progressOf(alice, exists), reads: 1 },
])('when $when and another execution has the record', ({ progress, reads }) => {
  it('is ExecutionSuperseded, without an event', async () => {
    const { invoke, published, updates } = setUp({ owner: otherExecutionArn });
    await expect(invoke({ plan: usersPlan, progress })).rejects.toMatchObject({
      name: 'ExecutionSuperseded',
      owner: otherExecutionArn,
    });
    expect([published(), updates()]).toEqual([[], []]);
  });

  it('is ExecutionSuperseded also when it takes it over meanwhile', async () => {
    const { invoke, documents } = setUp();
    documents.on(UpdateCommand).rejects(new ConditionalCheckFailedException({ message: 'no', $metadata: {} }));
    const owners = Array.from({ length: reads }, () => addUserArn);
    documents.on(GetCommand).callsFake(() => ({ Item: record(owners.pop() ?? otherExecutionArn) }));
    await expect(invoke({ plan: usersPlan, progress })).rejects.toMatchObject({ owner: otherExecutionArn });
  });
});

it('fails, to be repeated, when EventBridge does not take the event', async () => {
  const { invoke, events, updates } = setUp();
  events.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] });
  await expect(invoke({ plan: usersPlan, progress: progressOf(alice) })).rejects.toMatchObject({
    message: expect.stringContaining('ThrottlingException'),
  });
  expect(updates()).toEqual([]);
});

it('names the missing variable REGISTRY_TABLE', async () => {
  const { invoke } = setUp();
  await expect(
    invoke({ plan: usersPlan, progress: progressOf(alice) }, { REGISTRY_TABLE: undefined }),
  ).rejects.toMatchObject(errorOf('InvalidConfiguration', 'REGISTRY_TABLE'));
});
