import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/complete-update/environment.ts';
import { environmentOf } from '../environment.ts';
import { ofExecution } from '../event-detail.ts';
import { errorOf, lambda, now } from '../lambda.ts';
import { otherExecutionArn } from '../plan.ts';
import { updateArn, updatePlan } from '../update-plan.ts';

const record = (executionArn: string) => ({
  userName: 'Acme',
  status: 'UPDATING',
  executionArn,
  updatedAt: '',
  attempts: [],
});

function setUp(owner = updateArn) {
  const documents = mockClient(DynamoDBDocumentClient);
  documents
    .on(UpdateCommand)
    .resolves({})
    .on(GetCommand)
    .resolves({ Item: record(owner) });
  const events = mockClient(EventBridgeClient);
  events.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: 'event-1' }] });
  const load = () => import('../../../../functions/complete-update/handler.ts');
  return { documents, events, invoke: lambda(load, environmentOf(environmentSchema)) };
}

describe('completing an update', () => {
  it('publishes SubscriberUpdated, and then marks the record as active, with the address', async () => {
    const { invoke, documents, events } = setUp();
    const updated = { userName: 'Acme', changed: ['emailId', 'password'] };
    expect(await invoke({ plan: updatePlan })).toEqual(updated);
    const [published] = events.commandCalls(PutEventsCommand);
    const [entry] = published?.args[0].input.Entries ?? [];
    expect(entry).toMatchObject({ Source: 'infinstor.onboarding', DetailType: 'SubscriberUpdated' });
    expect(JSON.parse(entry?.Detail ?? '')).toEqual({ ...ofExecution, ...updated, executionArn: updateArn });
    const [update] = documents.commandCalls(UpdateCommand);
    expect(update && published?.calledBefore(update)).toBe(true);
    expect(update?.args[0].input).toMatchObject({
      Key: { pk: 'SUBSCRIBER#acme', sk: 'RECORD' },
      ConditionExpression: expect.stringContaining('#executionArn = :onlyIfOf'),
      UpdateExpression:
        'SET #status = :status, #emailId = :emailId, #updatedAt = :updatedAt, #schemaVersion = :schemaVersion REMOVE #lastError',
      ExpressionAttributeValues: {
        ':status': 'ACTIVE',
        ':emailId': 'new@acme.example',
        ':updatedAt': now.toISOString(),
        ':onlyIfOf': updateArn,
      },
    });
  });

  it.each([
    [{ customTokenExpiresAt: '2026-01-08T00:00:00.000Z' }, '2026-01-08T00:00:00.000Z', 'REMOVE #lastError'],
    [{}, undefined, 'REMOVE #lastError, #customTokenExpiresAt'],
  ])('keeps when the custom token ends: %o', async (update, kept, expression) => {
    const { invoke, documents } = setUp();
    await invoke({ plan: updatePlan, update });
    const { UpdateExpression, ExpressionAttributeValues } =
      documents.commandCalls(UpdateCommand)[0]?.args[0].input ?? {};
    expect(UpdateExpression?.endsWith(expression)).toBe(true);
    expect(ExpressionAttributeValues?.[':customTokenExpiresAt']).toBe(kept);
  });

  it('leaves an address alone that is not known', async () => {
    const { invoke, documents } = setUp();
    await invoke({ plan: { ...updatePlan, subscriber: { userName: 'Acme' } } });
    expect(documents.commandCalls(UpdateCommand)[0]?.args[0].input.UpdateExpression).not.toContain('emailId');
  });

  it('is ExecutionSuperseded, without an event, when another execution has the record', async () => {
    const { invoke, documents, events } = setUp(otherExecutionArn);
    await expect(invoke({ plan: updatePlan })).rejects.toMatchObject({
      name: 'ExecutionSuperseded',
      owner: otherExecutionArn,
    });
    expect([events.calls(), documents.commandCalls(UpdateCommand)]).toEqual([[], []]);
  });
});

it('names the missing variable REGISTRY_TABLE: InvalidConfiguration', async () => {
  const { invoke } = setUp();
  await expect(invoke({ plan: updatePlan }, { REGISTRY_TABLE: undefined })).rejects.toMatchObject(
    errorOf('InvalidConfiguration', 'REGISTRY_TABLE'),
  );
});
