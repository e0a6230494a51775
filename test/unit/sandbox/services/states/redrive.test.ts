import { describe, expect, it } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { createMachine, failing, never, task, tokenTaker, waitingTask } from './machine.ts';

const day = 24 * 60 * 60 * 1000;

/** A machine whose second state fails as often as it is told, and counts what its states are called with. */
function failingSecond(failures: readonly string[]) {
  const clock = createClock({ skipIdle: true });
  const { invokeLambda } = failing(failures, clock);
  const calls: string[] = [];
  const machine = createMachine(
    {
      First: task({ Next: 'Second', End: undefined, ResultPath: '$.first' }),
      Second: task({ Resource: 'arn:second', ResultPath: '$.second' }),
    },
    {
      clock,
      invokeLambda: async (functionArn, event) => {
        calls.push(functionArn);
        return functionArn === 'arn:second' ? invokeLambda(functionArn, event) : 'one';
      },
    },
  );
  return { machine, calls };
}

describe('RedriveExecution', () => {
  it('goes on in the state that failed, with the same input, and may end in success', async () => {
    const { machine, calls } = failingSecond(['Broken']);
    const { executionArn } = await machine.start({ name: 'acme' });
    expect(await machine.result(executionArn)).toMatchObject({
      status: 'FAILED',
      error: 'Broken',
      redriveStatus: 'REDRIVABLE',
    });

    await machine.run('RedriveExecution', { executionArn });
    expect(await machine.result(executionArn)).toMatchObject({
      status: 'SUCCEEDED',
      output: { name: 'acme', first: 'one', second: 'done' },
      error: undefined,
      redriveCount: 1,
      redriveStatus: 'NOT_REDRIVABLE',
    });
    expect(calls).toEqual(['arn:function', 'arn:second', 'arn:second']);
    const types = (await machine.history(executionArn)).events.map(({ type }) => type);
    expect(
      types.filter(
        (type) => type === 'ExecutionFailed' || type === 'ExecutionRedriven' || type === 'ExecutionSucceeded',
      ),
    ).toEqual(['ExecutionFailed', 'ExecutionRedriven', 'ExecutionSucceeded']);
    expect(machine.published.map(({ detail }) => detail.status)).toEqual(['RUNNING', 'FAILED', 'RUNNING', 'SUCCEEDED']);
  });

  it('may fail again and be redriven again', async () => {
    const { machine } = failingSecond(['Broken', 'Broken again']);
    const { executionArn } = await machine.start();
    await machine.result(executionArn);
    await machine.run('RedriveExecution', { executionArn });
    expect(await machine.result(executionArn)).toMatchObject({ status: 'FAILED', error: 'Broken again' });
    await machine.run('RedriveExecution', { executionArn });
    expect(await machine.result(executionArn)).toMatchObject({ status: 'SUCCEEDED', redriveCount: 2 });
  });

  it('enters the state again that an abort ended, and what its first run still does changes nothing', async () => {
    const { invokeLambda, nextToken } = tokenTaker();
    const machine = createMachine({ Only: waitingTask() }, { invokeLambda, clock: createClock() });
    const { executionArn } = await machine.start();
    const oldToken = await nextToken();
    await machine.run('StopExecution', { executionArn });
    await machine.run('RedriveExecution', { executionArn });
    const newToken = await nextToken();
    await expect(machine.run('SendTaskSuccess', { taskToken: oldToken, output: '"old"' })).rejects.toMatchObject({
      code: 'TaskTimedOut',
    });
    await machine.run('SendTaskSuccess', { taskToken: newToken, output: '"new"' });
    expect(await machine.result(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: 'new' });
  });

  it('gives the execution its whole timeout again', async () => {
    const clock = createClock();
    const machine = createMachine({ Only: task() }, { invokeLambda: never, clock, TimeoutSeconds: 60 });
    const { executionArn } = await machine.start();
    clock.advance(60_000);
    expect(await machine.result(executionArn)).toMatchObject({ status: 'TIMED_OUT' });
    await machine.run('RedriveExecution', { executionArn });
    clock.advance(59_000);
    expect(machine.executions()[0]?.status).toBe('RUNNING');
    clock.advance(1_000);
    expect(await machine.result(executionArn)).toMatchObject({ status: 'TIMED_OUT' });
    clock.stop();
  });

  it('is refused while it runs, when it has succeeded, and after 14 days', async () => {
    const refused = { code: 'ExecutionNotRedrivable' };
    const running = createMachine({ Only: task() }, { invokeLambda: never, clock: createClock() });
    const { executionArn } = await running.start();
    await expect(running.run('RedriveExecution', { executionArn })).rejects.toMatchObject(refused);
    running.close();

    const { machine } = failingSecond(['Broken']);
    const failed = await machine.start();
    await machine.result(failed.executionArn);
    machine.clock.advance(14 * day + 1000);
    await expect(machine.run('RedriveExecution', { executionArn: failed.executionArn })).rejects.toMatchObject(refused);

    const done = createMachine({ Only: task() });
    const succeeded = await done.start();
    await done.result(succeeded.executionArn);
    await expect(done.run('RedriveExecution', { executionArn: succeeded.executionArn })).rejects.toMatchObject(refused);
  });
});
