import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { createMachine, echo, failing, idle, never, task } from './machine.ts';

beforeEach(() => {
  // Only the sandbox's clock goes on, so that delays can be told to the millisecond.
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Runs one Task state whose function fails with these errors. */
async function runFailing(names: string[], fields: object) {
  const clock = createClock({ skipIdle: true });
  const { invokeLambda, delays } = failing(names, clock);
  const machine = createMachine({ Only: task(fields), Rescue: { Type: 'Succeed' } }, { invokeLambda, clock });
  const { status, error, output } = await machine.execute({ a: 1 });
  return { status, error, output, delays: delays() };
}

describe('Retry', () => {
  it.each([
    ['its interval, doubled each time', {}, [1, 2, 4]],
    ['intervals of its own rate', { IntervalSeconds: 2, BackoffRate: 1.5 }, [2, 3, 4.5]],
    ['equal intervals', { IntervalSeconds: 5, BackoffRate: 1 }, [5, 5, 5]],
    ['no more than MaxDelaySeconds', { IntervalSeconds: 3, MaxDelaySeconds: 7 }, [3, 6, 7]],
  ])('waits %s', async (_name, fields, delays) => {
    const result = await runFailing(['E', 'E', 'E'], { Retry: [{ ErrorEquals: ['E'], ...fields }] });
    expect(result).toMatchObject({ status: 'SUCCEEDED', output: 'done', delays });
  });

  it('waits at random up to its interval with full jitter', async () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.25);
    const Retry = [{ ErrorEquals: ['E'], IntervalSeconds: 4, JitterStrategy: 'FULL' }];
    expect(await runFailing(['E', 'E'], { Retry })).toMatchObject({ status: 'SUCCEEDED', delays: [1, 2] });
    random.mockRestore();
  });

  it.each([
    ['three times by default', {}, 3],
    ['as often as it says', { MaxAttempts: 5 }, 5],
    ['not at all', { MaxAttempts: 0 }, 0],
  ])('tries again %s', async (_name, fields, retries) => {
    const result = await runFailing(Array(10).fill('E'), { Retry: [{ ErrorEquals: ['E'], ...fields }] });
    expect(result).toMatchObject({ status: 'FAILED', error: 'E' });
    expect(result.delays).toHaveLength(retries);
  });

  it('counts for each retrier, and takes the first that names the error', async () => {
    const Retry = [
      { ErrorEquals: ['A', 'B'], IntervalSeconds: 1, MaxAttempts: 2 },
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 10, MaxAttempts: 1 },
    ];
    expect(await runFailing(['A', 'C', 'B', 'A'], { Retry })).toEqual({
      status: 'FAILED',
      error: 'A',
      output: undefined,
      delays: [1, 10, 2],
    });
  });

  it('shows the count in the context object', async () => {
    const counts: unknown[] = [];
    const fails = failing(['E', 'E'], createClock());
    const machine = createMachine(
      { Only: task({ Parameters: { 'count.$': '$$.State.RetryCount' }, Retry: [{ ErrorEquals: ['E'] }] }) },
      {
        invokeLambda(arn, event) {
          counts.push(event);
          return fails.invokeLambda(arn, event);
        },
      },
    );
    await machine.execute();
    expect(counts).toEqual([{ count: 0 }, { count: 1 }, { count: 2 }]);
  });

  it.each([
    ['States.ALL', 'Any', true],
    ['States.ALL', 'States.Timeout', true],
    ['States.ALL', 'States.Runtime', false],
    ['States.Runtime', 'States.Runtime', false],
    ['States.TaskFailed', 'Any', true],
    ['States.TaskFailed', 'States.Timeout', false],
    ['States.Timeout', 'States.Timeout', true],
    ['Any', 'Anything', false],
  ])('on %s and a failure named %s: %s', async (pattern, name, retried) => {
    const result = await runFailing([name], { Retry: [{ ErrorEquals: [pattern] }] });
    expect(result).toMatchObject(retried ? { status: 'SUCCEEDED' } : { status: 'FAILED', error: name });
  });

  it('comes before Catch', async () => {
    const fields = {
      Retry: [{ ErrorEquals: ['E'], MaxAttempts: 2 }],
      Catch: [{ ErrorEquals: ['E'], Next: 'Rescue' }],
    };
    expect(await runFailing(['E', 'E'], fields)).toMatchObject({ output: 'done', delays: [1, 2] });
    expect(await runFailing(['E', 'E', 'E'], fields)).toMatchObject({ output: { Error: 'E' }, delays: [1, 2] });
  });
});

describe('Catch', () => {
  const caught = { Error: 'E', Cause: '{"errorType":"E"}' };

  it.each([
    ['in place of the input by default', {}, caught],
    ['in place of the input at "$"', { ResultPath: '$' }, caught],
    ['beside the input', { ResultPath: '$.failure' }, { a: 1, failure: caught }],
    ['nowhere with null', { ResultPath: null }, { a: 1 }],
  ])('puts error and cause %s', async (_name, fields, output) => {
    const result = await runFailing(['E'], { Catch: [{ ErrorEquals: ['E'], Next: 'Rescue', ...fields }] });
    expect(result).toMatchObject({ status: 'SUCCEEDED', output });
  });

  it('takes the first that names the error', async () => {
    const Catch = ['A', 'E', 'States.ALL'].map((name) => ({ ErrorEquals: [name], ResultPath: null, Next: name }));
    const ends = Object.fromEntries(Catch.map(({ Next }) => [Next, { Type: 'Pass', Result: Next, End: true }]));
    const { invokeLambda } = failing(['E'], createClock());
    expect(await createMachine({ Only: task({ Catch }), ...ends }, { invokeLambda }).execute()).toMatchObject({
      output: 'E',
    });
  });

  it('leaves an error that it does not name to end the execution, with the cause', async () => {
    const { invokeLambda } = failing(['E'], createClock());
    const Catch = [{ ErrorEquals: ['Other'], Next: 'Rescue' }];
    const machine = createMachine({ Only: task({ Catch }), Rescue: { Type: 'Succeed' } }, { invokeLambda });
    expect(await machine.execute()).toMatchObject({ status: 'FAILED', error: 'E', cause: '{"errorType":"E"}' });
  });
});

describe('a timeout', () => {
  it.each([
    ['TimeoutSeconds', { TimeoutSeconds: 20 }],
    ['TimeoutSecondsPath', { TimeoutSecondsPath: '$.limits.seconds' }],
  ])('of %s ends a task as States.Timeout', async (_name, fields) => {
    const machine = createMachine({ Only: task(fields) }, { invokeLambda: never });
    const start = machine.clock.now();
    const result = await machine.execute({ limits: { seconds: 20 } });
    expect(result).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
    expect(result.cause).toBeUndefined();
    expect(machine.clock.now() - start).toBe(20_000);
  });

  it('can be caught, and has no cause', async () => {
    const Catch = [{ ErrorEquals: ['States.Timeout'], ResultPath: '$.wait', Next: 'Rescue' }];
    const states = { Only: task({ TimeoutSeconds: 20, Catch }), Rescue: { Type: 'Succeed' } };
    expect(await createMachine(states, { invokeLambda: never }).execute({ a: 1 })).toMatchObject({
      output: { a: 1, wait: { Error: 'States.Timeout', Cause: '' } },
    });
  });

  it('that is not reached leaves nothing behind', async () => {
    const machine = createMachine({ Only: task({ TimeoutSeconds: 20 }) });
    const start = machine.clock.now();
    await machine.execute();
    await idle();
    expect(machine.clock.now()).toBe(start);
  });

  it("is the state's own, and nobody else's", async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const { promise, resolve } = Promise.withResolvers<string>();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const invokeLambda = () => {
      begin();
      return promise;
    };
    const machine = createMachine({ Only: task() }, { invokeLambda, clock: createClock() });
    const { executionArn } = await machine.start();
    await begun;
    vi.advanceTimersByTime(3_600_000);
    resolve('late');
    expect(await machine.result(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: 'late' });
  });

  it('begins anew with each try', async () => {
    const clock = createClock({ skipIdle: true });
    let tries = 0;
    const invokeLambda = () => (++tries < 3 ? never() : echo('', 'done'));
    const Retry = [{ ErrorEquals: ['States.Timeout'] }];
    const machine = createMachine({ Only: task({ TimeoutSeconds: 20, Retry }) }, { invokeLambda, clock });
    const start = clock.now();
    expect(await machine.execute()).toMatchObject({ output: 'done' });
    expect(clock.now() - start).toBe(20_000 + 1000 + 20_000 + 2000);
  });

  it.each([[0], [-1], [1.5], ['20'], [undefined]])(
    'of %j seconds is an error of the machine that nothing catches',
    async (seconds) => {
      const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'Rescue' }];
      const states = { Only: task({ TimeoutSecondsPath: '$.seconds', Catch }), Rescue: { Type: 'Succeed' } };
      expect(await createMachine(states).execute({ seconds })).toMatchObject({
        status: 'FAILED',
        error: 'States.Runtime',
      });
    },
  );

  it('of the machine ends the execution as TIMED_OUT, past every Catch', async () => {
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'Rescue' }];
    const states = { Only: task({ Catch }), Rescue: { Type: 'Succeed' } };
    const machine = createMachine(states, { invokeLambda: never, TimeoutSeconds: 60 });
    const { executionArn, startDate } = await machine.start();
    expect(await machine.result(executionArn)).toMatchObject({
      status: 'TIMED_OUT',
      stopDate: new Date(startDate.getTime() + 60_000),
    });
    const { events } = await machine.history(executionArn);
    expect(events.at(-1)?.type).toBe('ExecutionTimedOut');
  });

  it('of the machine is over with the execution', async () => {
    const machine = createMachine({ Only: task() }, { TimeoutSeconds: 60 });
    const { executionArn } = await machine.start();
    await machine.result(executionArn);
    machine.clock.advance(60_000);
    expect(await machine.result(executionArn)).toMatchObject({ status: 'SUCCEEDED' });
  });
});
