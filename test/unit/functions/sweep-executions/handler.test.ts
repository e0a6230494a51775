import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  type ExecutionStatus,
  GetExecutionHistoryCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { environmentSchema } from '../../../../functions/sweep-executions/environment.ts';
import { environmentOf } from '../environment.ts';
import { errorOf, lambda, minutesAgo } from '../lambda.ts';

const arnOf = (userName: string) => `arn:aws:states:us-east-1:111111111111:execution:onboard-subscriber:${userName}`;
const record = (userName: string) => ({
  pk: `SUBSCRIBER#${userName}`,
  userName,
  status: 'ONBOARDING',
  executionArn: arnOf(userName),
  attempts: [],
  updatedAt: minutesAgo(20),
});

const onboardings = { ':status': 'ONBOARDING', ':from': 'SUBSCRIBER#', ':to': 'SUBSCRIBER#~' };

/** The function, with these records in two pages, and their executions in these statuses. */
function setUp(
  statuses: Record<string, ExecutionStatus | 'gone'>,
  changes: Record<string, object> = {},
  /** How the records are by now, where the index does not know. */
  current: Record<string, object> = {},
) {
  const records = Object.keys(statuses).map((name) => ({ ...record(name), ...changes[name] }));
  const [first, ...others] = records;
  const documents = mockClient(DynamoDBDocumentClient);
  documents.on(QueryCommand).resolves({ Items: [] });
  documents
    .on(QueryCommand, { ExpressionAttributeValues: onboardings })
    .resolvesOnce({ Items: first === undefined ? [] : [first], LastEvaluatedKey: { pk: first?.pk ?? 'SUBSCRIBER#' } });
  documents
    .on(QueryCommand, { ExpressionAttributeValues: { ...onboardings, ':from': `${first?.pk ?? 'SUBSCRIBER#'}!` } })
    .resolvesOnce({ Items: others });
  for (const each of records) {
    documents
      .on(GetCommand, { Key: { pk: `SUBSCRIBER#${each.userName}`, sk: 'RECORD' } })
      .resolves({ Item: { ...each, ...current[each.userName] } });
  }
  documents.on(UpdateCommand).resolves({});
  const stepFunctions = mockClient(SFNClient);
  for (const [userName, status] of Object.entries(statuses)) {
    const describing = stepFunctions.on(DescribeExecutionCommand, { executionArn: arnOf(userName) });
    if (status === 'gone') describing.rejects(new ExecutionDoesNotExist({ message: 'gone', $metadata: {} }));
    else {
      describing.resolves({
        executionArn: arnOf(userName),
        status,
        stopDate: new Date(minutesAgo(10)),
        input: JSON.stringify({ subscriber: { userName } }),
      });
    }
  }
  stepFunctions.on(GetExecutionHistoryCommand).resolves({ events: [] });
  const events = mockClient(EventBridgeClient);
  events.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
  const invoke = lambda(
    () => import('../../../../functions/sweep-executions/handler.ts'),
    environmentOf(environmentSchema),
  );
  const updated = () => documents.commandCalls(UpdateCommand).map(({ args }) => String(args[0].input.Key?.pk));
  const failed = () => updated().filter((pk) => pk.startsWith('SUBSCRIBER#'));
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

  it('records how an execution ended that was redriven after its failure was recorded, and once', async () => {
    const { invoke, failed } = setUp(
      { redriven: 'FAILED', recorded: 'FAILED' },
      {
        redriven: { status: 'FAILED', updatedAt: minutesAgo(11) },
        recorded: { status: 'FAILED', updatedAt: minutesAgo(10) },
      },
    );
    await invoke({});
    expect(failed()).toEqual(['SUBSCRIBER#redriven']);
  });

  it('goes on after a record that it fails at, and then says so', async () => {
    const { invoke, events, failed } = setUp({ fails: 'FAILED', slow: 'TIMED_OUT' });
    events
      .on(PutEventsCommand)
      .resolvesOnce({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'Throttled' }] })
      .resolves({ FailedEntryCount: 0 });
    await expect(invoke({})).rejects.toMatchObject(errorOf('AggregateError', '1 records could not be swept'));
    expect(failed()).toEqual(['SUBSCRIBER#slow']);
  });

  it('goes on after a record that somebody has spoiled, and then says so', async () => {
    const { invoke, failed } = setUp({ spoiled: 'FAILED', slow: 'TIMED_OUT' }, { spoiled: { updatedAt: 7 } });
    await expect(invoke({})).rejects.toMatchObject(errorOf('AggregateError', '1 records could not be swept'));
    expect(failed()).toEqual(['SUBSCRIBER#slow']);
  });

  it('leaves a record alone that says so by now, or belongs to another execution, though the index has not heard of it', async () => {
    const { invoke, failed, events } = setUp(
      { recorded: 'FAILED', retried: 'FAILED', gone: 'FAILED', fails: 'FAILED' },
      {},
      {
        recorded: { status: 'FAILED', updatedAt: minutesAgo(10) },
        retried: { executionArn: arnOf('again') },
        gone: { executionArn: undefined },
      },
    );
    await expect(invoke({})).rejects.toMatchObject(errorOf('AggregateError', '1 records could not be swept'));
    expect(failed()).toEqual(['SUBSCRIBER#fails']);
    expect(events.commandCalls(PutEventsCommand)).toHaveLength(1);
  });

  it('reads the index, and looks at failures as long as a redrive is possible', async () => {
    const { invoke, documents } = setUp({});
    await invoke({});
    const queries = documents.commandCalls(QueryCommand).map(({ args }) => args[0].input);
    expect(queries.map(({ IndexName }) => IndexName)).toEqual(queries.map(() => 'subscribers-by-status'));
    expect(queries.map(({ ExpressionAttributeValues = {} }) => ExpressionAttributeValues)).toMatchObject([
      ...['ONBOARDING', 'ONBOARDING', 'UPDATING', 'UPGRADING', 'ADDING_USERS', 'OFFBOARDING'].map((status) => ({
        ':status': status,
      })),
      { ':status': 'FAILED', ':since': minutesAgo(14 * 24 * 60) },
      { ':status': 'ACTIVE', ':since': minutesAgo(14 * 24 * 60) },
    ]);
  });
});
