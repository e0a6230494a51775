import { describe, expect, it } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { LambdaError } from '../../../../../sandbox/core/lambda-error.ts';
import { createMachine, tokenTaker, waitingTask } from './machine.ts';

/** A machine that waits for a token, on a clock that only the test turns, and has been started. */
async function startWaiting(fields: object = {}, input: unknown = {}) {
  const { invokeLambda, nextToken } = tokenTaker();
  const states = { Wait: waitingTask(fields), Rescue: { Type: 'Succeed' } };
  const machine = createMachine(states, { invokeLambda, clock: createClock() });
  const { executionArn } = await machine.start(input);
  const token = await nextToken();
  await machine.reached(executionArn, 'TaskSubmitted');
  return {
    ...machine,
    executionArn,
    nextToken,
    token,
    ended: () => machine.result(executionArn),
    succeed: (taskToken: string, output: unknown = 'answer') =>
      machine.run('SendTaskSuccess', { taskToken, output: JSON.stringify(output) }),
    beat: (taskToken: string) => machine.run('SendTaskHeartbeat', { taskToken }),
    fail: (taskToken: string, failure: object = {}) => machine.run('SendTaskFailure', { taskToken, ...failure }),
  };
}

const taskTimedOut = { code: 'TaskTimedOut' };
const caught = { Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.wait', Next: 'Rescue' }] };

describe('a task that waits for its token', () => {
  it('outputs what SendTaskSuccess brings', async () => {
    const { token, succeed, ended } = await startWaiting({ ResultPath: '$.wait' }, { a: 1 });
    expect(await succeed(token, { status: 'done' })).toEqual({});
    expect(await ended()).toMatchObject({ status: 'SUCCEEDED', output: { a: 1, wait: { status: 'done' } } });
  });

  it('fails with what SendTaskFailure brings', async () => {
    const { token, fail, ended } = await startWaiting();
    expect(await fail(token, { error: 'StackFailed', cause: 'the bucket exists' })).toEqual({});
    expect(await ended()).toMatchObject({ status: 'FAILED', error: 'StackFailed', cause: 'the bucket exists' });
  });

  // Without error and cause as in https://github.com/localstack/localstack/tree/main/tests/aws/services/stepfunctions/v2/callback
  it.each([
    [
      { error: 'StackGone', cause: 'deleted' },
      { Error: 'StackGone', Cause: 'deleted' },
    ],
    [{ error: 'StackGone' }, { Error: 'StackGone', Cause: null }],
    [{}, { Error: null, Cause: null }],
  ])('can catch the failure %j', async (failure, wait) => {
    const { token, fail, ended, executionArn, history } = await startWaiting(caught);
    await fail(token, failure);
    expect(await ended()).toMatchObject({ output: { wait } });
    const { events } = await history(executionArn);
    expect(events.find(({ type }) => type === 'TaskFailed')?.taskFailedEventDetails).toEqual({
      resourceType: 'lambda',
      resource: 'invoke.waitForTaskToken',
      ...failure,
    });
  });

  it('fails when its function does', async () => {
    const invokeLambda = async () => {
      throw new LambdaError('StackTimedOut', '{"errorType":"StackTimedOut"}');
    };
    const machine = createMachine({ Wait: waitingTask() }, { invokeLambda });
    expect(await machine.execute()).toMatchObject({ error: 'StackTimedOut', cause: '{"errorType":"StackTimedOut"}' });
  });

  it.each([
    ['SendTaskSuccess', { output: '"early"' }, { status: 'SUCCEEDED', output: 'early' }, 'TaskSucceeded'],
    ['SendTaskFailure', { error: 'Early' }, { status: 'FAILED', error: 'Early' }, 'TaskFailed'],
  ])('ends by %s before its function returns, submitted all the same', async (operation, answer, result, ended) => {
    const { invokeLambda, nextToken } = tokenTaker();
    const machine = createMachine(
      { Wait: waitingTask() },
      {
        async invokeLambda(arn, event) {
          await invokeLambda(arn, event);
          await machine.run(operation, { taskToken: await nextToken(), ...answer });
          return new Promise(() => {});
        },
      },
    );
    const { executionArn } = await machine.start();
    expect(await machine.result(executionArn)).toMatchObject(result);
    const { events } = await machine.history(executionArn);
    expect(events.slice(4, 6).map(({ type }) => type)).toEqual(['TaskSubmitted', ended]);
  });

  it.each([
    ['TimeoutSeconds', { TimeoutSeconds: 30 }],
    ['TimeoutSecondsPath', { TimeoutSecondsPath: '$.seconds' }],
  ])('times out after its %s, and no sooner', async (_name, fields) => {
    const { clock, succeed, token, ended, executionArn, history } = await startWaiting(fields, { seconds: 30 });
    clock.advance(29_000);
    expect((await history(executionArn)).events.at(-1)?.type).toBe('TaskSubmitted');
    clock.advance(1000);
    expect(await ended()).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    await expect(succeed(token)).rejects.toMatchObject(taskTimedOut);
  });

  it('waits with a fresh token when a Catch leads back to it; the old one is over', async () => {
    const Catch = [{ ErrorEquals: ['States.Timeout'], ResultPath: '$.wait', Next: 'Wait' }];
    const { clock, token, nextToken, succeed, fail, ended } = await startWaiting({ TimeoutSeconds: 30, Catch });
    clock.advance(30_000);
    const second = await nextToken();
    expect(second).not.toBe(token);
    await expect(succeed(token)).rejects.toMatchObject(taskTimedOut);
    await expect(fail(token)).rejects.toMatchObject(taskTimedOut);
    await succeed(second, 'second');
    expect(await ended()).toMatchObject({ status: 'SUCCEEDED', output: 'second' });
  });

  it('has a fresh token for each retry', async () => {
    const Retry = [{ ErrorEquals: ['Again'] }];
    const { clock, token, nextToken, succeed, fail, ended, executionArn, reached } = await startWaiting({ Retry });
    await fail(token, { error: 'Again' });
    await reached(executionArn, 'TaskFailed');
    clock.advance(1000);
    const second = await nextToken();
    expect(second).not.toBe(token);
    await succeed(second);
    expect(await ended()).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('has parameters of the integration that the sandbox knows, and no others', async () => {
    const Parameters = { FunctionName: 'arn:function', Payload: {}, InvocationType: 'Event' };
    const result = await createMachine({ Wait: waitingTask({ Parameters }) }).execute();
    expect(result).toMatchObject({ error: 'States.Runtime', cause: expect.stringContaining('InvocationType') });
  });
});

describe('a task that waits for heartbeats', () => {
  const fields = { HeartbeatSeconds: 10, TimeoutSeconds: 25 };

  // As recorded in https://github.com/localstack/localstack/tree/main/tests/aws/services/stepfunctions/v2/timeouts
  it('times out when none comes in time, and says so like any timeout', async () => {
    const { clock, ended, executionArn, history, beat, token } = await startWaiting(fields);
    clock.advance(10_000);
    expect(await ended()).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    const { events } = await history(executionArn);
    expect(events).toContainEqual(
      expect.objectContaining({
        taskScheduledEventDetails: expect.objectContaining({ heartbeatInSeconds: 10, timeoutInSeconds: 25 }),
      }),
    );
    expect(events.at(-2)).toMatchObject({
      type: 'TaskTimedOut',
      taskTimedOutEventDetails: { error: 'States.Timeout' },
    });
    await expect(beat(token)).rejects.toMatchObject(taskTimedOut);
  });

  it('goes on with each one, without a word in the history, and no longer than its timeout', async () => {
    const { clock, token, beat, ended, executionArn, history } = await startWaiting(fields);
    const { events } = await history(executionArn);
    for (const _ of [1, 2]) {
      clock.advance(9000);
      expect(await beat(token)).toEqual({});
    }
    expect(await history(executionArn)).toEqual({ events });
    clock.advance(5000);
    expect(await history(executionArn)).toEqual({ events });
    clock.advance(2000);
    expect(await ended()).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
  });
});

describe('a token', () => {
  it('cannot be answered twice', async () => {
    const { token, succeed, fail, beat } = await startWaiting();
    await succeed(token);
    await expect(succeed(token)).rejects.toMatchObject(taskTimedOut);
    await expect(fail(token)).rejects.toMatchObject(taskTimedOut);
    await expect(beat(token)).rejects.toMatchObject(taskTimedOut);
  });

  it('is over with its execution', async () => {
    const { token, succeed, run, executionArn, ended } = await startWaiting();
    await run('StopExecution', { executionArn });
    expect(await ended()).toMatchObject({ status: 'ABORTED' });
    await expect(succeed(token)).rejects.toMatchObject(taskTimedOut);
  });

  it('is over when its state could not be evaluated', async () => {
    const { token, succeed, ended } = await startWaiting({ ResultSelector: { 'x.$': '$.absent' } });
    await succeed(token, {});
    expect(await ended()).toMatchObject({ status: 'FAILED' });
    await expect(succeed(token)).rejects.toMatchObject(taskTimedOut);
  });

  it('that was never issued is invalid', async () => {
    const { succeed, fail, beat } = await startWaiting();
    await expect(beat('guessed')).rejects.toMatchObject({ code: 'InvalidToken' });
    await expect(succeed('guessed')).rejects.toMatchObject({ code: 'InvalidToken' });
    await expect(fail('guessed')).rejects.toMatchObject({ code: 'InvalidToken' });
  });

  it.each([
    ['is not JSON', 'no', 'InvalidOutput'],
    ['is larger than 256 KiB', JSON.stringify('x'.repeat(262_143)), 'ValidationException'],
  ])('stays open after an output that %s', async (_name, output, code) => {
    const { token, run, succeed, ended } = await startWaiting();
    const refused = run('SendTaskSuccess', { taskToken: token, output });
    await expect(refused).rejects.toMatchObject({ code });
    await succeed(token);
    expect(await ended()).toMatchObject({ status: 'SUCCEEDED' });
  });
});
