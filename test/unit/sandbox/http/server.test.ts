import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { GetRoleCommand, IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { DescribeExecutionCommand, ListActivitiesCommand } from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseFault } from '../../../../sandbox/core/faults.ts';
import { AwsError } from '../../../../sandbox/core/operation.ts';
import {
  anyOperation,
  busy,
  faults,
  infinstor,
  kms,
  meter,
  options,
  send,
  server,
  setUp,
  sfn,
} from './server-fixture.ts';

beforeEach(setUp);

describe('every service', () => {
  it.each([
    ['JSON', () => sfn().send(new ListActivitiesCommand({})), 'UnknownOperationException', 'ListActivities of states'],
    ['Query', () => new IAMClient(options()).send(new ListRolesCommand({})), 'InvalidAction', 'ListRoles of iam'],
  ])('names an operation that it does not have: %s', async (_name, send, name, message) => {
    await expect(send()).rejects.toMatchObject({ name, message: expect.stringContaining(message) });
  });

  it.each([
    ['toString', 'TrentService.toString'],
    ['constructor', 'TrentService.constructor'],
  ])('does not take %s for an operation', async (name, target) => {
    const response = await send('kms', { headers: { 'x-amz-target': target }, body: '{}' });
    expect(await response.json()).toMatchObject({ message: expect.stringContaining(`${name} of kms`) });
  });

  it('verifies headers and bodies in UTF-8', async () => {
    const headers = { 'x-amz-target': 'TrentService.DescribeKey', 'x-amz-note': 'é and ☂' };
    const response = await send('kms', { headers, body: JSON.stringify({ Note: 'é and ☂' }) });
    expect(await response.text()).toBe('{}');
  });

  it('that is missing is named', async () => {
    const identity = new STSClient(options()).send(new GetCallerIdentityCommand({}));
    await expect(identity).rejects.toMatchObject({ message: 'The sandbox has no service sts' });
    const headers = { 'x-amz-target': 'Kinesis_20131202.PutRecord' };
    const response = await fetch(server.endpoint, { method: 'POST', headers, body: '{}' });
    expect(await response.json()).toMatchObject({ message: expect.stringContaining('Kinesis_20131202') });
  });

  it('is not reached by the other protocol', async () => {
    const response = await send('kms', { body: String(new URLSearchParams({ Action: 'DescribeKey' })) });
    expect(await response.text()).toContain('The sandbox has no service kms');
  });

  it('answers SQS in the Query protocol, too, which old clients speak', async () => {
    const inputs: unknown[] = [];
    anyOperation.run = (input) => {
      inputs.push(input);
      if (inputs.length > 1) throw new AwsError('QueueDoesNotExist', 'gone');
      return { Messages: [{ Body: 'one' }, { Body: 'two' }] };
    };
    const body = new URLSearchParams({ Action: 'ReceiveMessage', QueueUrl: 'u', MaxNumberOfMessages: '2' });
    const ask = () => send('sqs', { path: '/111111111111/q', body: String(body) });
    expect(await (await ask()).text()).toMatch(/<Message><Body>one<.*<Message><Body>two</);
    expect(inputs).toEqual([{ QueueUrl: 'u', MaxNumberOfMessages: 2 }]);
    const refusal = await ask();
    expect(refusal.status).toBe(400);
    expect(await refusal.text()).toContain('<Code>AWS.SimpleQueueService.NonExistentQueue</Code>');
  });

  it.each([
    [
      'JSON',
      (key: string) => new KMSClient(options(key)).send(new DescribeKeyCommand({ KeyId: 'k' })),
      'UnrecognizedClientException',
    ],
    [
      'Query',
      (key: string) => new IAMClient(options(key)).send(new GetRoleCommand({ RoleName: 'x' })),
      'InvalidClientTokenId',
    ],
    [
      'DynamoDB',
      (key: string) => new DynamoDBClient(options(key)).send(new GetItemCommand({ TableName: 't', Key: {} })),
      'UnrecognizedClientException',
    ],
  ])('refuses an unknown access key: %s', async (_name, send, name) => {
    await expect(send('AKIAUNKNOWN')).rejects.toMatchObject({ name });
  });

  it('counts what a fault refuses of a table', async () => {
    faults.add(parseFault('dynamodb:GetItem:throttle'));
    const command = new GetItemCommand({ TableName: 'Registry', Key: { pk: { S: 'a' } } });
    await expect(new DynamoDBClient(options()).send(command)).rejects.toMatchObject({ name: 'ThrottlingException' });
    expect(meter.mock.calls).toEqual([
      ['AWS/DynamoDB', { TableName: 'Registry', Operation: 'GetItem' }, { ThrottledRequests: 1 }],
      ['AWS/DynamoDB', { TableName: 'Registry' }, { ReadThrottleEvents: 1 }],
    ]);
  });

  it('reports a failure of its own', async () => {
    anyOperation.run = () => {
      throw new TypeError('x is not a function');
    };
    await expect(sfn().send(new DescribeExecutionCommand({ executionArn: 'arn:e' }))).rejects.toMatchObject({
      name: 'InternalFailure',
      message: 'The sandbox failed: x is not a function',
      $metadata: { httpStatusCode: 500 },
    });
  });

  it('runs as the caller, and counts as work until it has answered', async () => {
    const over = Promise.withResolvers<void>();
    busy.mockImplementation((what) => {
      if (what === 'over') over.resolve();
    });
    anyOperation.run = (_input, caller) => {
      busy(caller.principalArn);
      return {};
    };
    await kms().send(new DescribeKeyCommand({ KeyId: 'k' }));
    await over.promise;
    expect(busy.mock.calls.flat()).toEqual(['begun', 'arn:aws:iam::111111111111:user/operator', 'over']);
  });
});

it("hands InfinStor's requests over, and nothing else", async () => {
  const response = await fetch(`${server.infinstorUrl}/api/2.0/x?y=z`, {
    method: 'PUT',
    headers: { Authorization: 'Custom token' },
    body: 'é',
  });
  expect(response.status).toBe(403);
  expect(await response.text()).toBe('refused: é');
  expect(infinstor).toHaveBeenCalledExactlyOnceWith({
    method: 'PUT',
    path: '/api/2.0/x',
    headers: expect.objectContaining({ authorization: 'Custom token' }),
    body: 'é',
  });
  await kms().send(new DescribeKeyCommand({ KeyId: 'k' }));
  expect(infinstor).toHaveBeenCalledOnce();
});

it('listens on loopback only', () => {
  expect(server.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});

it('takes faults while it runs', async () => {
  const body = JSON.stringify({ faults: ['kms:DescribeKey:throttle'] });
  const response = await fetch(`${server.endpoint}/sandbox/faults`, { method: 'POST', body });
  expect(await response.json()).toEqual({ faults: ['kms:DescribeKey:throttle:1'] });
  expect(faults.left()).toBe(1);
  await expect(new KMSClient(options()).send(new DescribeKeyCommand({ KeyId: 'k' }))).rejects.toMatchObject({
    name: 'ThrottlingException',
  });
});
