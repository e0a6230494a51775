import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  type ExecutionStatus,
  GetExecutionHistoryCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { lambda } from '../lambda.ts';

const arnOf = (userName: string) => `arn:aws:states:us-east-1:111111111111:execution:onboard-subscriber:${userName}`;
const record = (userName: string) => ({ userName, status: 'ONBOARDING', executionArn: arnOf(userName), attempts: [] });

/** The function, with these records in two pages, and their executions in these statuses. */
function setUp(statuses: Record<string, ExecutionStatus | 'gone'>) {
  const [first, ...others] = Object.keys(statuses).map(record);
  const documents = mockClient(DynamoDBDocumentClient);
  documents
    .on(ScanCommand)
    .resolvesOnce({ Items: first === undefined ? [] : [first], LastEvaluatedKey: { pk: 'a', sk: 'RECORD' } })
    .resolvesOnce({ Items: others });
  documents.on(UpdateCommand).resolves({});
  const stepFunctions = mockClient(SFNClient);
  for (const [userName, status] of Object.entries(statuses)) {
    const describing = stepFunctions.on(DescribeExecutionCommand, { executionArn: arnOf(userName) });
    if (status === 'gone') describing.rejects(new ExecutionDoesNotExist({ message: 'gone', $metadata: {} }));
    else {
      describing.resolves({
        executionArn: arnOf(userName),
        status,
        input: JSON.stringify({ subscriber: { userName } }),
      });
    }
  }
  stepFunctions.on(GetExecutionHistoryCommand).resolves({ events: [] });
  mockClient(SecretsManagerClient).on(ListSecretsCommand).resolves({});
  const events = mockClient(EventBridgeClient);
  events.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
  const invoke = lambda(() => import('../../../functions/sweep-executions/handler.ts'), {
    REGISTRY_TABLE: 'registry',
    STATE_MACHINE_ARN: 'arn:aws:states:us-east-1:111111111111:stateMachine:onboard-subscriber',
    API_PASSWORD_PREFIX: 'infinstor/test/input/api/',
  });
  const failed = () => documents.commandCalls(UpdateCommand).map(({ args }) => args[0].input.Key?.pk);
  return { invoke, documents, events, failed };
}

describe('the sweep', () => {
  it('records the executions that ended without success, on every page, and no others', async () => {
    const { invoke, failed, events } = setUp({
      fails: 'FAILED',
      runs: 'RUNNING',
      slow: 'TIMED_OUT',
      stopped: 'ABORTED',
      done: 'SUCCEEDED',
      redriven: 'PENDING_REDRIVE',
      old: 'gone',
    });
    await invoke({ source: 'aws.events' });
    expect(failed()).toEqual(['SUBSCRIBER#fails', 'SUBSCRIBER#slow', 'SUBSCRIBER#stopped']);
    expect(events.commandCalls(PutEventsCommand)).toHaveLength(3);
  });

  it('looks only at records that say ONBOARDING', async () => {
    const { invoke, documents } = setUp({});
    await invoke({});
    const [scan] = documents.commandCalls(ScanCommand);
    expect(scan?.args[0].input).toMatchObject({
      TableName: 'registry',
      ConsistentRead: true,
      FilterExpression: '#sk = :record AND #status = :onboarding',
      ExpressionAttributeValues: { ':record': 'RECORD', ':onboarding': 'ONBOARDING' },
    });
  });
});
