import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  DescribeExecutionCommand,
  type DescribeExecutionOutput,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/record-failure/environment.ts';
import { environmentOf } from '../environment.ts';
import { ofExecution } from '../event-detail.ts';
import { errorOf, lambda, now, secret } from '../lambda.ts';
import { recordOf } from '../own-record.ts';
import { executionArn, otherExecutionArn } from '../plan.ts';

type Ending = 'FAILED' | 'TIMED_OUT' | 'ABORTED';
const statusEvent = (status: Ending, more: object = {}) => ({
  source: 'aws.states',
  'detail-type': 'Step Functions Execution Status Change',
  detail: { executionArn, status, input: '{}', ...more },
});
const lambdaCause = (errorMessage: string) => JSON.stringify({ errorType: 'StackFailed', errorMessage, trace: [] });
const entered = (name: string): HistoryEvent => ({
  id: 3,
  timestamp: new Date(0),
  type: 'TaskStateEntered',
  stateEnteredEventDetails: { name },
});
const failed: HistoryEvent = { id: 9, timestamp: new Date(0), type: 'ExecutionFailed' };

/** The function, with an execution that ended so, and its history, newest first, in these pages. */
function setUp(
  execution: Partial<DescribeExecutionOutput> = {},
  pages: HistoryEvent[][] = [[failed, entered('WaitForStack'), entered('DeployStack')]],
) {
  const stepFunctions = mockClient(SFNClient);
  stepFunctions.on(DescribeExecutionCommand, { executionArn }).resolves({
    executionArn,
    stateMachineArn: 'arn:aws:states:us-east-1:111111111111:stateMachine:onboard-subscriber',
    startDate: new Date(0),
    status: 'FAILED',
    error: 'StackFailed',
    cause: lambdaCause('Stack acme is ROLLBACK_IN_PROGRESS: Bucket: it exists'),
    input: JSON.stringify({ subscriber: { userName: 'Acme', emailId: 'mlops@acme.example' } }),
    ...execution,
  });
  pages.forEach((events, index) => {
    const nextToken = index + 1 < pages.length ? `page-${index + 1}` : undefined;
    const request = { executionArn, reverseOrder: true, nextToken: index === 0 ? undefined : `page-${index}` };
    stepFunctions.on(GetExecutionHistoryCommand, request).resolves({ events, nextToken });
  });
  const documents = mockClient(DynamoDBDocumentClient);
  documents.on(GetCommand).resolves({});
  documents.on(UpdateCommand).resolves({});
  const eventBridge = mockClient(EventBridgeClient);
  eventBridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });

  const lines: string[] = [];
  const load = () => import('../../../../functions/record-failure/handler.ts');
  const invoke = lambda(load, environmentOf(environmentSchema), lines);
  const updates = () => documents.commandCalls(UpdateCommand).map(({ args: [{ input }] }) => input);
  const published = (): unknown[] =>
    eventBridge
      .commandCalls(PutEventsCommand)
      .flatMap(({ args: [{ input }] }) => input.Entries ?? [])
      .map(({ Source, DetailType, Detail = '' }) => ({ Source, DetailType, detail: JSON.parse(Detail) }));
  return { invoke, lines, stepFunctions, documents, updates, published };
}

describe('an execution that failed', () => {
  const lastError = {
    name: 'StackFailed',
    step: 'WaitForStack',
    message: 'Stack acme is ROLLBACK_IN_PROGRESS: Bucket: it exists',
    remedy: expect.stringMatching(/a stack that could not be made is replaced/),
  };

  it('is recorded with step, reason and remedy, provided that the record is its own', async () => {
    const { invoke, updates } = setUp();
    await invoke(statusEvent('FAILED'));
    expect(updates()).toMatchObject([
      {
        TableName: 'registry',
        Key: { pk: 'SUBSCRIBER#acme', sk: 'RECORD' },
        ConditionExpression: expect.stringContaining('#executionArn = :onlyIfOf'),
        ExpressionAttributeValues: {
          ':onlyIfOf': executionArn,
          ':status': 'FAILED',
          ':lastError': lastError,
          ':updatedAt': now.toISOString(),
        },
      },
    ]);
  });

  it('is recorded with the time at which it failed, which the status of the subscriber shows', async () => {
    const stopDate = new Date(now.getTime() - 5000);
    const { invoke, updates } = setUp({ stopDate });
    await invoke(statusEvent('FAILED'));
    expect(updates()[0]?.ExpressionAttributeValues).toMatchObject({
      ':updatedAt': stopDate.toISOString(),
      ':failedAt': stopDate.toISOString(),
    });
  });

  it.each([
    { error: 'InfinStorUnavailable', step: 'VerifySubscriber', metric: 'InfinStorUnavailable' },
    { error: 'LoginsPaused', step: 'ObtainToken', metric: 'LoginsPaused' },
    // The login of one subscriber.
    { error: 'LoginsPaused', step: 'ObtainSubscriberToken', metric: undefined },
    { error: 'StackFailed', step: 'WaitForStack', metric: undefined },
  ])('of $error in $step is counted as $metric', async ({ error, step, metric }) => {
    const { invoke, lines } = setUp({ error }, [[failed, entered(step)]]);
    await invoke(statusEvent('FAILED'));
    const counted = lines.flatMap((line) => (line.includes('CloudWatchMetrics') ? [JSON.parse(line)] : []));
    expect(counted).toMatchObject(metric === undefined ? [] : [{ [metric]: 1, executionArn, step }]);
  });

  it('is logged with the subscriber and the execution', async () => {
    const { invoke, lines } = setUp();
    await invoke(statusEvent('FAILED'));
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ userName: 'Acme', executionArn });
  });

  it('is published, also when the record is of another execution', async () => {
    const { invoke, documents, published } = setUp();
    documents.on(UpdateCommand).rejects(new ConditionalCheckFailedException({ message: 'not ours', $metadata: {} }));
    await invoke(statusEvent('FAILED'));
    expect(published()).toEqual([
      {
        Source: 'infinstor.onboarding',
        DetailType: 'SubscriberOnboardingFailed',
        detail: { ...ofExecution, userName: 'Acme', executionArn, ...lastError },
      },
    ]);
  });

  it('is published with who asked for it, as the input says', async () => {
    const origin = { requestedBy: 'alice', correlationId: 'build-7' };
    const { invoke, published } = setUp({ input: JSON.stringify({ subscriber: { userName: 'Acme' }, origin }) });
    await invoke(statusEvent('FAILED'));
    expect(published()).toMatchObject([{ detail: origin }]);
  });

  it('that was superseded is published without advice that would be refused', async () => {
    const { invoke, documents, published } = setUp();
    const attempts = [executionArn, otherExecutionArn].map((arn, hour) => ({
      executionArn: arn,
      startedAt: `2026-01-01T0${hour}:00:00.000Z`,
    }));
    documents.on(GetCommand).resolves({ Item: { ...recordOf('Acme', otherExecutionArn), attempts } });
    await invoke(statusEvent('FAILED'));
    const remedy = expect.stringMatching(/^Do not redrive this execution/);
    expect(published()).toMatchObject([{ detail: { executionArn, name: 'StackFailed', remedy } }]);
  });

  it('has its last step found on a later page of the history, which is read without data', async () => {
    const { invoke, stepFunctions, published } = setUp({}, [[failed], [failed], [entered('PatchKeyPolicy')]]);
    await invoke(statusEvent('FAILED'));
    expect(published()).toMatchObject([{ detail: { step: 'PatchKeyPolicy' } }]);
    const [history] = stepFunctions.commandCalls(GetExecutionHistoryCommand);
    expect(history?.args[0].input).toMatchObject({ includeExecutionData: false });
  });

  it('shows no token of its cause', async () => {
    const jwt = `eyJhbGciOiJIUzI1NiJ9.${secret('claims')}.signature`;
    const { invoke, updates, published } = setUp({ cause: lambdaCause(`token ${jwt} refused`) });
    await invoke(statusEvent('FAILED'));
    expect(published()).toMatchObject([{ detail: { message: 'token <token> refused' } }]);
    expect(JSON.stringify(updates())).not.toContain(secret('claims'));
  });

  it.each([
    ['is no JSON', 'not json'],
    ['names no subscriber', '{"subscriber": {}}'],
    ['names one that cannot be', JSON.stringify({ subscriber: { userName: 'x'.repeat(3000) } })],
  ])('is published without a record when its input %s', async (_, input) => {
    const { invoke, updates, published } = setUp({ error: 'InvalidRequest', input });
    await invoke(statusEvent('FAILED'));
    expect(updates()).toEqual([]);
    expect(published()).toMatchObject([{ detail: { name: 'InvalidRequest', executionArn } }]);
  });

  it.each<[string, Partial<DescribeExecutionOutput>]>([
    ['has succeeded', { status: 'SUCCEEDED', redriveCount: 1 }],
    ['runs again', { status: 'RUNNING', redriveCount: 1 }],
  ])('is no failure any more when it was redriven and %s before its event came', async (_, redriven) => {
    const { invoke, updates, published } = setUp({ ...redriven, error: undefined, cause: undefined });
    await invoke(statusEvent('FAILED'));
    expect([updates(), published()]).toEqual([[], []]);
  });

  it.each<[string, Partial<DescribeExecutionOutput>, number]>([
    ['runs again', { status: 'RUNNING', redriveCount: 2 }, 1],
    ['has failed again, which has an event of its own', { redriveCount: 1 }, 0],
    ['is pending to be redriven', { status: 'PENDING_REDRIVE' }, 0],
  ])('that is over is left alone: it %s', async (_, redriven, redriveCount) => {
    const { invoke, updates, published } = setUp(redriven);
    await invoke(statusEvent('FAILED', { redriveCount }));
    expect([updates(), published()]).toEqual([[], []]);
  });

  it.each<[string, Partial<DescribeExecutionOutput>]>([
    ['the run that failed', { status: 'RUNNING', redriveCount: 1 }],
    ['the run before it', { status: 'FAILED', redriveCount: 0 }],
  ])('again after a redrive is looked at again by Lambda while DescribeExecution still has %s', async (_, stale) => {
    const { invoke, updates, published } = setUp(stale);
    const event = statusEvent('FAILED', { redriveCount: 1 });
    await expect(invoke(event)).rejects.toMatchObject(errorOf('Error', 'still reads'));
    expect([updates(), published()]).toEqual([[], []]);
  });

  it('again after a redrive is recorded', async () => {
    const { invoke, updates, published } = setUp({ redriveCount: 1 });
    await invoke(statusEvent('FAILED', { redriveCount: 1 }));
    expect([updates().length, published().length]).toEqual([1, 1]);
  });

  it.each([undefined, 0])(
    'is looked at again by Lambda while it still reads RUNNING, redriven %s times',
    async (redriveCount) => {
      const { invoke, updates, published } = setUp({ status: 'RUNNING', redriveCount });
      await expect(invoke(statusEvent('FAILED'))).rejects.toMatchObject(errorOf('Error', 'still reads RUNNING'));
      expect([updates(), published()]).toEqual([[], []]);
    },
  );
});

describe('an execution that ended without an error of its own', () => {
  it.each<[Ending, string, string]>([
    [
      'TIMED_OUT',
      'States.Timeout',
      'The time limit was reached in WaitForStack, which waited for CloudFormation to finish with the stack',
    ],
    ['ABORTED', 'ABORTED', 'The execution was stopped in WaitForStack'],
  ])('by %s is recorded as %s, with a message and a remedy', async (status, name, message) => {
    const { invoke, published } = setUp({ status, error: undefined, cause: undefined });
    await invoke(statusEvent(status));
    expect(published()).toMatchObject([{ detail: { name, message, remedy: expect.stringMatching(/\w+\.$/) } }]);
  });

  it('before any state is said to have ended in the first', async () => {
    const { invoke, published } = setUp({ status: 'ABORTED', error: undefined, cause: undefined }, [[failed]]);
    await invoke(statusEvent('ABORTED'));
    expect(published()).toMatchObject([{ detail: { step: 'AcceptRequest' } }]);
  });
});

it('refuses an event of an execution that goes on: InvalidStepInput', async () => {
  const { invoke, stepFunctions } = setUp();
  await expect(invoke({ detail: { executionArn, status: 'RUNNING' } })).rejects.toMatchObject(
    errorOf('InvalidStepInput', 'detail.status'),
  );
  expect(stepFunctions.calls()).toEqual([]);
});

it('names the missing variable REGISTRY_TABLE: InvalidConfiguration', async () => {
  const { invoke } = setUp();
  await expect(invoke(statusEvent('FAILED'), { REGISTRY_TABLE: undefined })).rejects.toMatchObject(
    errorOf('InvalidConfiguration', 'REGISTRY_TABLE'),
  );
});
