import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/complete-onboarding/environment.ts';
import { environmentOf } from '../environment.ts';
import { ofExecution } from '../event-detail.ts';
import { errorOf, lambda, now } from '../lambda.ts';
import { executionArn, otherExecutionArn, plan, role, stack, stackId } from '../plan.ts';

const keyArns = ['arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-4111-8111-111111111111'];
const subscriber = { emailId: 'changed@acme.example', changed: true };
const keys = keyArns.map((keyArn) => ({ keyArn, changed: true }));
const event = { plan: { ...plan, keyArns }, subscriber, stack, role, keys, verification: { verified: true } };
const changed = ['subscriber', 'stack', 'keyPolicies'];
const onboarded = { userName: 'Acme', stackId, roleArn: role.roleArn, keyArns, changed, verified: true };
const record = (owner: string) => ({
  userName: 'Acme',
  status: 'ONBOARDING',
  executionArn: owner,
  updatedAt: '',
  attempts: [],
});
const notOurs = new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} });

function setUp() {
  const documents = mockClient(DynamoDBDocumentClient);
  documents
    .on(UpdateCommand)
    .resolves({})
    .on(GetCommand)
    .resolves({ Item: record(executionArn) });
  const events = mockClient(EventBridgeClient);
  events.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: 'event-1' }] });
  const load = () => import('../../../../functions/complete-onboarding/handler.ts');
  const invoke = lambda(load, environmentOf(environmentSchema));
  return { documents, events, invoke };
}

describe('completing an onboarding', () => {
  it('marks the record as active, provided that it is still of this execution', async () => {
    const { invoke, documents } = setUp();
    expect(await invoke(event)).toEqual(onboarded);
    const [update, ...others] = documents.commandCalls(UpdateCommand);
    expect(update?.args[0].input).toMatchObject({
      TableName: 'registry',
      Key: { pk: 'SUBSCRIBER#acme', sk: 'RECORD' },
      ConditionExpression: expect.stringContaining('#executionArn = :onlyIfOf'),
      UpdateExpression: expect.stringMatching(/^SET #status = :status, .* REMOVE #lastError, #customTokenExpiresAt$/),
      ExpressionAttributeValues: {
        ':onlyIfOf': executionArn,
        ':status': 'ACTIVE',
        ':emailId': subscriber.emailId,
        ':stackId': stackId,
        ':roleArn': role.roleArn,
        ':keyArns': keyArns,
        ':updatedAt': now.toISOString(),
      },
    });
    expect(others).toEqual([]);
  });

  it('keeps when the custom token ends, and no longer when that is not known', async () => {
    const { invoke, documents } = setUp();
    const customTokenExpiresAt = '2026-01-08T00:00:00.000Z';
    await invoke({ ...event, subscriber: { ...event.subscriber, customTokenExpiresAt } });
    const [update] = documents.commandCalls(UpdateCommand);
    expect(update?.args[0].input).toMatchObject({
      UpdateExpression: expect.stringMatching(/REMOVE #lastError$/),
      ExpressionAttributeValues: { ':customTokenExpiresAt': customTokenExpiresAt },
    });
  });

  it('publishes SubscriberOnboarded before that, so that no crash can lose the event', async () => {
    const { invoke, documents, events } = setUp();
    await invoke(event);
    const [published] = events.commandCalls(PutEventsCommand);
    const [entry] = published?.args[0].input.Entries ?? [];
    expect(entry).toMatchObject({ Source: 'infinstor.onboarding', DetailType: 'SubscriberOnboarded' });
    expect(JSON.parse(entry?.Detail ?? '')).toEqual({ ...ofExecution, ...onboarded, executionArn });
    const [update] = documents.commandCalls(UpdateCommand);
    expect(update && published?.calledBefore(update)).toBe(true);
  });

  it('says why the subscriber is not verified', async () => {
    const { invoke, events } = setUp();
    const verification = { verified: false, reason: 'InfinStor reports no role' };
    const expected = { ...onboarded, verified: false, verification: 'InfinStor reports no role' };
    expect(await invoke({ ...event, verification })).toEqual(expected);
    const [entry] = events.commandCalls(PutEventsCommand)[0]?.args[0].input.Entries ?? [];
    expect(JSON.parse(entry?.Detail ?? '')).toEqual({ ...ofExecution, ...expected, executionArn });
  });

  it('does without the end check, as of an execution that began before there was one', async () => {
    const { verification: _, ...without } = event;
    expect(await setUp().invoke(without)).toEqual({ ...onboarded, verified: null });
  });

  it('lists nothing as left any more that the new stack owns', async () => {
    const { invoke, documents } = setUp();
    const table = { logicalId: 'Table', type: 'AWS::DynamoDB::Table', physicalId: 'acme' };
    const bucket = { logicalId: 'Bucket', type: 'AWS::S3::Bucket', physicalId: 'acme' };
    const offboarded = { stackId: `${stackId}-before`, keyArns, retained: [table, bucket] };
    documents.on(GetCommand).resolves({ Item: { ...record(executionArn), offboarded } });
    await invoke({ ...event, role: { ...role, regained: [{ type: table.type, physicalId: 'acme' }] } });
    await invoke(event);
    const [regaining, other] = documents.commandCalls(UpdateCommand).map(({ args: [{ input }] }) => input);
    expect(regaining?.ExpressionAttributeValues).toMatchObject({
      ':offboarded': { ...offboarded, retained: [bucket] },
    });
    expect(other?.ExpressionAttributeValues).not.toHaveProperty([':offboarded']);
  });

  it('says that nothing was changed of a subscriber that was onboarded just so before', async () => {
    const unchanged = {
      ...event,
      plan: { ...event.plan, onboarded: { stackId } },
      subscriber: { ...subscriber, changed: false },
      keys: keys.map((key) => ({ ...key, changed: false })),
    };
    expect(await setUp().invoke(unchanged)).toEqual({ ...onboarded, changed: [] });
    const replaced = { ...unchanged.plan, onboarded: { stackId: `${stackId}-before` } };
    expect(await setUp().invoke({ ...unchanged, plan: replaced })).toMatchObject({ changed: ['stack'] });
    expect(await setUp().invoke({ ...unchanged, keys })).toMatchObject({ changed: ['keyPolicies'] });
  });

  it('has the same result when it is repeated', async () => {
    const { invoke } = setUp();
    expect(await invoke(event)).toEqual(await invoke(event));
  });

  it.each([
    ['another execution has', record(otherExecutionArn)],
    ['nobody has any more', undefined],
  ])('is ExecutionSuperseded, without an event, when %s the record', async (_, other) => {
    const { invoke, documents, events } = setUp();
    documents.on(GetCommand).resolves(other === undefined ? {} : { Item: other });
    await expect(invoke(event)).rejects.toMatchObject({
      name: 'ExecutionSuperseded',
      owner: other?.executionArn,
    });
    expect([events.calls(), documents.commandCalls(UpdateCommand)]).toEqual([[], []]);
  });

  it('is ExecutionSuperseded when another execution takes the record over meanwhile', async () => {
    const { invoke, documents } = setUp();
    documents.on(UpdateCommand).rejects(notOurs);
    documents
      .on(GetCommand)
      .resolvesOnce({ Item: record(executionArn) })
      .resolves({ Item: record(otherExecutionArn) });
    await expect(invoke(event)).rejects.toMatchObject({ owner: otherExecutionArn });
  });

  it('fails, to be repeated, when EventBridge does not take the event', async () => {
    const { invoke, events } = setUp();
    events.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'ThrottlingException' }] });
    await expect(invoke(event)).rejects.toMatchObject({ message: expect.stringContaining('ThrottlingException') });
  });
});

it('names the missing variable REGISTRY_TABLE: InvalidConfiguration', async () => {
  const { invoke } = setUp();
  await expect(invoke(event, { REGISTRY_TABLE: undefined })).rejects.toMatchObject(
    errorOf('InvalidConfiguration', 'REGISTRY_TABLE'),
  );
});
