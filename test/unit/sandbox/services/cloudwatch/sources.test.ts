import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { createFaults } from '../../../../../sandbox/core/faults.ts';
import type { Meter } from '../../../../../sandbox/core/meter.ts';
import { AwsError } from '../../../../../sandbox/core/operation.ts';
import { countError, countThrottles } from '../../../../../sandbox/services/dynamodb/error-metrics.ts';
import { createDynamoDb } from '../../../../../sandbox/services/dynamodb/service.ts';
import { createEvents } from '../../../../../sandbox/services/events/service.ts';
import { createHttpApi } from '../../../../../sandbox/services/http-api/service.ts';
import { createAsynchronousInvocations } from '../../../../../sandbox/services/lambda/asynchronous.ts';
import { createLogReader } from '../../../../../sandbox/services/lambda/log-reader.ts';
import { createLambdaPool } from '../../../../../sandbox/services/lambda/pool.ts';
import { createSqs } from '../../../../../sandbox/services/sqs/service.ts';
import { createStates } from '../../../../../sandbox/services/states/service.ts';
import { call } from '../call.ts';

/** What was counted, in short. */
function setUp() {
  const clock = createClock({ skipIdle: true });
  const counted: string[] = [];
  const meter: Meter = (namespace, dimensions, values, unit = 'Count') => {
    const where = Object.entries(dimensions).map(([name, value]) => `${name}=${value}`);
    for (const [name, value] of Object.entries(values))
      counted.push([namespace, ...where, name, value, unit].join(' '));
  };
  return { clock, counted, meter };
}

async function folderOf() {
  const folder = await mkdtemp(join(tmpdir(), 'metrics-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

it('a queue counts messages, and its length while it is active', async () => {
  const { clock, counted, meter } = setUp();
  const sqs = createSqs({ clock, endpoint: () => 'http://sandbox.example', meter });
  const { url: QueueUrl, arn } = sqs.createQueue({ name: 'q' });
  sqs.send(arn, 'four');
  sqs.send(arn, 'x');
  clock.advance(90_000);
  const answer = await call(sqs.service, 'ReceiveMessage', { QueueUrl });
  expect(counted.splice(0)).toEqual([
    'AWS/SQS QueueName=q NumberOfMessagesSent 1 Count',
    'AWS/SQS QueueName=q SentMessageSize 4 Bytes',
    'AWS/SQS QueueName=q NumberOfMessagesSent 1 Count',
    'AWS/SQS QueueName=q SentMessageSize 1 Bytes',
    'AWS/SQS QueueName=q NumberOfMessagesReceived 1 Count',
  ]);
  sqs.sample(meter);
  expect(counted.splice(0)).toEqual([
    'AWS/SQS QueueName=q ApproximateNumberOfMessagesVisible 1 Count',
    'AWS/SQS QueueName=q ApproximateNumberOfMessagesNotVisible 1 Count',
    'AWS/SQS QueueName=q ApproximateNumberOfMessagesDelayed 0 Count',
    'AWS/SQS QueueName=q ApproximateAgeOfOldestMessage 90 Seconds',
  ]);
  const [{ ReceiptHandle }] =
    'Messages' in answer ? (answer.Messages as [{ ReceiptHandle: string }]) : expect.unreachable();
  await call(sqs.service, 'DeleteMessage', { QueueUrl, ReceiptHandle });
  await call(sqs.service, 'ReceiveMessage', { QueueUrl });
  await call(sqs.service, 'ReceiveMessage', { QueueUrl });
  expect(counted.splice(0)).toEqual([
    'AWS/SQS QueueName=q NumberOfMessagesDeleted 1 Count',
    'AWS/SQS QueueName=q NumberOfMessagesReceived 1 Count',
    'AWS/SQS QueueName=q NumberOfEmptyReceives 1 Count',
  ]);
  clock.advance(6 * 3_600_000);
  sqs.sample(meter);
  expect(counted.splice(0)).toHaveLength(4);
  clock.advance(1);
  sqs.sample(meter);
  expect(counted).toEqual([]);
});

it('a rule counts its events, with its bus where that is not the default one', () => {
  const { clock, counted, meter } = setUp();
  const deliver = vi.fn().mockReturnValueOnce(true).mockReturnValue(false);
  const events = createEvents({ clock, faults: createFaults([]), deliver, meter });
  events.addBus('own');
  const rule = { eventPattern: { source: ['a'] }, enabled: true, targets: [{ id: 't', arn: 'arn:t' }] };
  events.addRule({ ...rule, name: 'r', bus: 'default' });
  events.addRule({ ...rule, name: 's', bus: 'own' });
  events.publish({ source: 'a', 'detail-type': 'x', detail: {} });
  events.publish({ source: 'b', 'detail-type': 'x', detail: {} });
  clock.advance(0);
  expect(counted.splice(0)).toEqual(
    ['MatchedEvents', 'TriggeredRules', 'Invocations'].map((name) => `AWS/Events RuleName=r ${name} 1 Count`),
  );
  events.publishOn({ source: 'a', 'detail-type': 'x', detail: {} }, 'own');
  clock.advance(0);
  expect(counted.splice(0)).toEqual(
    ['MatchedEvents', 'TriggeredRules', 'Invocations', 'FailedInvocations'].map(
      (name) => `AWS/Events EventBusName=own RuleName=s ${name} 1 Count`,
    ),
  );
  deliver.mockReturnValue(true);
  events.addSchedule({ name: 'sweep', scheduleExpression: 'rate(5 minutes)', enabled: true, targets: rule.targets });
  clock.advance(300_000);
  expect(counted).toEqual(['TriggeredRules', 'Invocations'].map((name) => `AWS/Events RuleName=sweep ${name} 1 Count`));
});

it('an HTTP API counts its answers, for itself and for its stage', async () => {
  const { clock, counted, meter } = setUp();
  const home = { accountId: '111111111111', region: 'us-east-1' };
  const invoke = async () => {
    clock.advance(25);
    throw new Error('failed');
  };
  const api = createHttpApi({ clock, authorize: () => {}, invoke, meter: () => meter });
  const apiId = api.createApi(home, 'a');
  api.setIntegration(apiId, 'i', 'arn:f');
  api.setRoute(apiId, 'r', { routeKey: 'GET /x', integrationId: 'i' });
  const caller = { ...home, principalArn: 'arn:u', arn: 'arn:u', principalId: 'AIDA', policies: [] };
  const request = { method: 'GET', query: new URLSearchParams(), headers: {}, body: '', caller };
  await api.handle(apiId, { ...request, path: '/x' });
  const lines = (latency: number, client: number, server: number) =>
    ['ApiId=a', 'ApiId=a Stage=$default'].flatMap((where) => [
      ...[`Count 1`, `4xx ${client}`, `5xx ${server}`].map((value) => `AWS/ApiGateway ${where} ${value} Count`),
      `AWS/ApiGateway ${where} Latency ${latency} Milliseconds`,
    ]);
  expect(counted.splice(0)).toEqual(lines(25, 0, 1));
  await api.handle(apiId, { ...request, path: '/other' });
  expect(counted.splice(0)).toEqual(lines(0, 1, 0));
  await api.handle('gone', { ...request, path: '/x' });
  expect(counted).toEqual([]);
});

it('a state machine counts the ends of its executions', async () => {
  const { clock, counted, meter } = setUp();
  const states = createStates({ clock, publish: () => {}, invokeLambda: async () => {}, meter });
  const machine = (name: string, state: object, rest: object = {}) =>
    states.createStateMachine({
      name,
      roleArn: 'arn:role',
      definition: JSON.stringify({ StartAt: 'A', States: { A: state }, ...rest }),
    });
  const task = {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    End: true,
    Parameters: { FunctionName: 'arn:f', 'Payload.$': '$$.Task.Token' },
  };
  const start = (stateMachineArn: string, name = 'one') =>
    call(states.service, 'StartExecution', { stateMachineArn, name, input: '{}' });
  const ok = machine('ok', { Type: 'Succeed' });
  const bad = machine('bad', { Type: 'Fail', Error: 'Bad' });
  const slow = machine('slow', task, { TimeoutSeconds: 60 });
  await start(ok);
  await start(bad);
  await start(slow);
  await clock.quiet();
  await start(slow, 'two');
  await call(states.service, 'StopExecution', { executionArn: `${slow.replace(':stateMachine:', ':execution:')}:two` });
  const of = (arn: string) =>
    counted.filter((line) => line.includes(`=${arn} `)).map((line) => line.split(' ').slice(2).join(' '));
  expect(of(ok)).toEqual(['ExecutionsStarted 1 Count', 'ExecutionsSucceeded 1 Count', 'ExecutionTime 0 Milliseconds']);
  expect(of(bad)).toEqual(['ExecutionsStarted 1 Count', 'ExecutionsFailed 1 Count', 'ExecutionTime 0 Milliseconds']);
  expect(of(slow)).toEqual([
    ...['ExecutionsStarted 1 Count', 'ExecutionsTimedOut 1 Count', 'ExecutionTime 60000 Milliseconds'],
    ...['ExecutionsStarted 1 Count', 'ExecutionsAborted 1 Count', 'ExecutionTime 0 Milliseconds'],
  ]);
  await call(states.service, 'RedriveExecution', {
    executionArn: `${bad.replace(':stateMachine:', ':execution:')}:one`,
  });
  await clock.quiet();
  expect(of(bad).slice(3, 5)).toEqual(['ExecutionsRedriven 1 Count', 'ExecutionsFailed 1 Count']);
});

it('a function counts its invocations and errors, and the events that it drops', async () => {
  const { clock, counted, meter } = setUp();
  const folder = await folderOf();
  await writeFile(
    join(folder, 'bundle.cjs'),
    'module.exports = { step: (event) => { if (event.bad) throw new Error("bad"); console.log("line"); return 1; } };',
  );
  const pool = createLambdaPool({ clock, logFolder: folder, meterOf: () => meter });
  onTestFinished(async () => {
    clock.stop();
    await pool.close();
  });
  const functionArn = 'arn:aws:lambda:us-east-1:111111111111:function:step';
  const environment = { environment: {}, roleArn: 'arn:role', timeoutSeconds: 3, codeSha256: 'hash', lastModified: 0 };
  pool.add({
    functionName: 'step',
    functionArn,
    bundle: join(folder, 'bundle.cjs'),
    exportName: 'step',
    ...environment,
  });
  await pool.invoke(functionArn, {});
  expect(pool.newLines()).toEqual([{ functionName: 'step', lines: ['line'] }]);
  await expect(pool.invoke(functionArn, { bad: true })).rejects.toThrow();
  const lines = (errors: number) =>
    ['FunctionName=step ', ''].flatMap((where) => [
      ...['Invocations 1 Count', `Errors ${errors} Count`, 'Throttles 0 Count', 'Duration 0 Milliseconds'].map(
        (value) => `AWS/Lambda ${where}${value}`,
      ),
    ]);
  expect(counted.splice(0)).toEqual([...lines(0), ...lines(1)]);

  const failing = { invoke: () => Promise.reject(new Error('no')), send: () => {}, onError: () => {} };
  await createAsynchronousInvocations({ clock, ...failing, meterOf: () => meter }).invoke(functionArn, {});
  expect(counted).toEqual(
    ['AsyncEventsReceived', 'AsyncEventsDropped'].map((name) => `AWS/Lambda FunctionName=step ${name} 1 Count`),
  );
});

it('a table counts what is refused of its calls', () => {
  const { counted, meter } = setUp();
  const parts = { dynamoDb: createDynamoDb(), cloudWatch: { meter } };
  const input = { TableName: 'Registry', Key: { pk: { S: 'a' } } };
  countError(new AwsError('ThrottlingException', ''), { operation: 'GetItem', input }, parts);
  countError(new AwsError('ProvisionedThroughputExceededException', ''), { operation: 'DeleteItem', input }, parts);
  countError(new AwsError('InternalServerError', '', 500), { operation: 'GetItem', input }, parts);
  countError(new AwsError('ConditionalCheckFailedException', ''), { operation: 'GetItem', input }, parts);
  countError(new AwsError('ThrottlingException', ''), { operation: 'ListTables', input: {} }, parts);
  expect(counted).toEqual([
    'AWS/DynamoDB TableName=Registry Operation=GetItem ThrottledRequests 1 Count',
    'AWS/DynamoDB TableName=Registry ReadThrottleEvents 1 Count',
    'AWS/DynamoDB TableName=Registry Operation=DeleteItem ThrottledRequests 1 Count',
    'AWS/DynamoDB TableName=Registry WriteThrottleEvents 1 Count',
    'AWS/DynamoDB TableName=Registry Operation=GetItem SystemErrors 1 Count',
  ]);
});

it('a table and its index count what had nothing left, and the call only if all of it was refused', () => {
  const { counted, meter } = setUp();
  const [read, write] = [
    { tableName: 'Registry', partition: 0, kind: 'read' },
    { tableName: 'Registry', indexName: 'by-status', partition: 1, kind: 'write' },
  ] as const;
  countThrottles([read, read], { operation: 'BatchGetItem', isRefused: false }, { meter });
  countThrottles([write], { operation: 'PutItem', isRefused: true }, { meter });
  expect(counted).toEqual([
    'AWS/DynamoDB TableName=Registry ReadThrottleEvents 1 Count',
    'AWS/DynamoDB TableName=Registry ReadThrottleEvents 1 Count',
    'AWS/DynamoDB TableName=Registry GlobalSecondaryIndexName=by-status WriteThrottleEvents 1 Count',
    'AWS/DynamoDB TableName=Registry Operation=PutItem ThrottledRequests 1 Count',
  ]);
});

it('a log is read line by line, each once', async () => {
  const file = join(await folderOf(), 'step.log');
  const read = createLogReader();
  await writeFile(file, 'one\ntwo\nhal');
  expect(read('step', file).lines).toEqual(['one', 'two']);
  expect(read('step', file).lines).toEqual([]);
  await appendFile(file, 'f\n');
  expect(read('step', file).lines).toEqual(['half']);
});
