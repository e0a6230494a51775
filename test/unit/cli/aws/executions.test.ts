import { GetKeyPolicyCommand, KMSClient, NotFoundException } from '@aws-sdk/client-kms';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
  StateMachineDoesNotExist,
} from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { follow, keyClients, readKeyPolicies, start } from '../../../../cli/aws/executions.ts';
import { sandboxAt } from '../../../../cli/target/target.ts';
import { done, history, started, succeeded } from '../history.ts';

const sfnMock = mockClient(SFNClient);
const kmsMock = mockClient(KMSClient);
const target = sandboxAt('http://sandbox.example');
const clients = { sfn: new SFNClient({ region: 'us-east-1' }), kms: keyClients(target), target };
const executionArn = 'arn:aws:states:us-east-1:111111111111:execution:onboard-subscriber:acme-1';
beforeEach(() => {
  sfnMock.reset();
  kmsMock.reset();
});

describe('start', () => {
  it('sends the request as it is', async () => {
    const request = { subscriber: { userName: 'acme' }, unknown: [1] };
    sfnMock.on(StartExecutionCommand).resolves({ executionArn });
    expect(await start(clients, 'the-machine', request)).toBe(executionArn);
    const [call] = sfnMock.commandCalls(StartExecutionCommand);
    expect(call?.args[0].input).toEqual({
      stateMachineArn: 'the-machine',
      name: expect.stringMatching(/^acme-/),
      input: JSON.stringify(request),
    });
  });

  it("passes Step Functions' refusal on", async () => {
    sfnMock
      .on(StartExecutionCommand)
      .rejects(new StateMachineDoesNotExist({ message: 'State Machine Does Not Exist', $metadata: {} }));
    await expect(start(clients, 'the-machine', {})).rejects.toMatchObject({
      name: 'StateMachineDoesNotExist',
      message: expect.stringContaining('State Machine Does Not Exist'),
    });
  });
});

describe('follow', () => {
  it('returns the whole history each time, until the execution is over', async () => {
    const events = history(started, done('AcceptRequest'), succeeded);
    const running = { executionArn, status: 'RUNNING' as const };
    sfnMock
      .on(DescribeExecutionCommand)
      .resolvesOnce(running)
      .resolves({ executionArn, status: 'SUCCEEDED' })
      .on(GetExecutionHistoryCommand)
      .resolvesOnce({ events: events.slice(0, 2) })
      .resolvesOnce({ events: events.slice(0, 3), nextToken: 'more' })
      .resolves({ events: events.slice(3) });
    const progress: number[] = [];
    const snapshot = await follow(clients, executionArn, (so) => progress.push(so.events.length));
    expect(progress).toEqual([2, events.length]);
    expect(snapshot.events).toEqual(events);
    expect(snapshot.description.status).toBe('SUCCEEDED');
    expect(sfnMock.commandCalls(GetExecutionHistoryCommand).at(-1)?.args[0].input.nextToken).toBe('more');
  });
});

describe('readKeyPolicies', () => {
  it('leaves out a key that KMS does not know', async () => {
    kmsMock
      .on(GetKeyPolicyCommand, { KeyId: 'known' })
      .resolves({ Policy: '{"Version":"2012-10-17"}' })
      .on(GetKeyPolicyCommand, { KeyId: 'unknown' })
      .rejects(new NotFoundException({ message: 'Key does not exist', $metadata: {} }));
    expect(await readKeyPolicies(clients, ['known', 'unknown'])).toEqual(
      new Map([['known', { Version: '2012-10-17' }]]),
    );
  });

  it('fails when the endpoint does not answer', async () => {
    kmsMock.on(GetKeyPolicyCommand).rejects(new Error('socket hang up'));
    await expect(readKeyPolicies(clients, ['a-key'])).rejects.toMatchObject({ name: 'EndpointUnreachable' });
  });
});
