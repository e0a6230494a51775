import { describe, expect, it, vi } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { LambdaError } from '../../../../../sandbox/core/lambda-error.ts';
import { createMachine, failing, idle, never, task, tokenTaker, waitingTask } from './machine.ts';

const day = 24 * 60 * 60 * 1000;
const absent = (type: string) => `arn:aws:states:us-east-1:111111111111:${type}:Absent`;
const executionArnOf = (name: string) => `arn:aws:states:us-east-1:111111111111:execution:Machine:${name}`;

describe('StartExecution', () => {
  it('answers with ARN and time, and makes a name when there is none', async () => {
    const machine = createMachine({ Only: task() });
    const before = machine.clock.now();
    const named = await machine.start({}, { name: 'acme-1' });
    expect(named.executionArn).toBe(executionArnOf('acme-1'));
    expect(named.startDate.getTime()).toBeGreaterThanOrEqual(before);
    const [first, second] = [await machine.start(), await machine.start()];
    expect(first.executionArn).not.toBe(second.executionArn);
  });

  it('answers again while the execution of this name and input runs', async () => {
    const machine = createMachine({ Only: task() }, { invokeLambda: never });
    const first = await machine.start({ a: 1 }, { name: 'acme-1' });
    expect(await machine.start({ a: 1 }, { name: 'acme-1' })).toEqual(first);
    expect(machine.executions()).toHaveLength(1);
    machine.close();
  });

  it('refuses a name in use: with another input, and for 90 days once it is closed', async () => {
    const machine = createMachine({ Only: task() });
    const { executionArn } = await machine.start({ a: 1 }, { name: 'acme-1' });
    const inUse = { code: 'ExecutionAlreadyExists', message: `Execution Already Exists: '${executionArn}'` };
    await expect(machine.start({ a: 2 }, { name: 'acme-1' })).rejects.toMatchObject(inUse);
    await machine.result(executionArn);
    await expect(machine.start({ a: 1 }, { name: 'acme-1' })).rejects.toMatchObject(inUse);
    machine.clock.advance(90 * day - 1000);
    await expect(machine.start({ a: 1 }, { name: 'acme-1' })).rejects.toMatchObject(inUse);
    expect((await machine.history(executionArn)).events).not.toEqual([]);
    machine.clock.advance(1000);
    const gone = { code: 'ExecutionDoesNotExist' };
    await expect(machine.history(executionArn)).rejects.toMatchObject(gone);
    await expect(machine.run('DescribeExecution', { executionArn })).rejects.toMatchObject(gone);
    expect(await machine.start({ a: 1 }, { name: 'acme-1' })).toMatchObject({ executionArn });
  });

  it.each([
    ['an unknown machine', { stateMachineArn: absent('stateMachine') }, 'StateMachineDoesNotExist'],
    ['input that is not JSON', { input: 'not JSON' }, 'InvalidExecutionInput'],
    ['a name with a blank', { name: 'acme 1' }, 'InvalidName'],
    ['a name with a colon', { name: 'acme:1' }, 'InvalidName'],
    ['a name of 81 characters', { name: 'a'.repeat(81) }, 'ValidationException'],
    ['a member that it does not have', { alias: 'x' }, 'ValidationException'],
  ])('refuses %s', async (_name, input, code) => {
    await expect(createMachine({ Only: task() }).start({}, input)).rejects.toMatchObject({ code });
  });
});

describe('StopExecution', () => {
  const { invokeLambda } = failing(['E'], createClock());
  const stopped = { error: 'Stopped', cause: 'by hand' };

  it.each([
    ['its function runs', task(), never, 'LambdaFunctionStarted'],
    ['it waits for a token', waitingTask(), tokenTaker().invokeLambda, 'TaskSubmitted'],
    ['it waits for a retry', task({ Retry: [{ ErrorEquals: ['E'] }] }), invokeLambda, 'LambdaFunctionFailed'],
  ])('aborts an execution while %s', async (_name, state, invokeLambda, last) => {
    const machine = createMachine({ Only: state }, { invokeLambda, clock: createClock() });
    const { executionArn } = await machine.start();
    const types = async () => (await machine.history(executionArn)).events.map(({ type }) => type);
    await machine.reached(executionArn, last);
    const { stopDate } = Object.fromEntries(
      Object.entries(await machine.run('StopExecution', { executionArn, ...stopped })),
    );
    expect(await machine.result(executionArn)).toMatchObject({ status: 'ABORTED', stopDate, ...stopped });
    const { events } = await machine.history(executionArn);
    expect(events.at(-1)).toMatchObject({
      previousEventId: 0,
      type: 'ExecutionAborted',
      executionAbortedEventDetails: stopped,
    });
    machine.clock.advance(3_600_000);
    await idle();
    expect((await types()).length).toBe(events.length);
  });

  it.each([
    ['PassStateEntered', { First: { Type: 'Pass', Next: 'Only' }, Only: task() }],
    ['TaskStateEntered', { Only: task({ TimeoutSecondsPath: '$.seconds' }) }],
  ])('lets nothing happen after it, right after %s', async (entered, states) => {
    const invokeLambda = vi.fn(never);
    const machine = createMachine(states, { invokeLambda });
    const executionArn = executionArnOf('acme-1');
    await Promise.all([
      machine.start({ seconds: 5 }, { name: 'acme-1' }),
      machine.run('StopExecution', { executionArn }),
    ]);
    await idle();
    const { events } = await machine.history(executionArn);
    expect(events.map(({ type }) => type)).toEqual(['ExecutionStarted', entered, 'ExecutionAborted']);
    expect(invokeLambda).not.toHaveBeenCalled();
  });

  it('changes nothing about an execution that has ended', async () => {
    const machine = createMachine({ Only: task() });
    const { executionArn } = await machine.start();
    const before = await machine.result(executionArn);
    await machine.run('StopExecution', { executionArn, ...stopped });
    expect(await machine.result(executionArn)).toEqual(before);
  });
});

it("does not record what a function does after its state's timeout", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const machine = createMachine({ Only: task({ TimeoutSeconds: 5 }) }, { invokeLambda: () => promise });
  const { executionArn } = await machine.start();
  await machine.result(executionArn);
  const before = await machine.history(executionArn);
  resolve('late');
  await promise;
  expect(await machine.history(executionArn)).toEqual(before);
  expect(before.events.map(({ type }) => type)).not.toContain('LambdaFunctionSucceeded');
});

// As AWS records them; compare the recordings in https://github.com/localstack/localstack/tree/main/tests/aws/services/stepfunctions
describe('the history', () => {
  const timestamp = expect.any(Date);
  const event = (id: number, type: string, details: object = {}) => ({
    id,
    previousEventId: id === 2 ? 0 : id - 1,
    timestamp,
    type,
    ...details,
  });
  const inputDetails = { truncated: false };
  const untilStarted = [
    event(1, 'ExecutionStarted', {
      executionStartedEventDetails: { input: '{"a":1}', inputDetails, roleArn: 'arn:role' },
    }),
    event(2, 'TaskStateEntered', { stateEnteredEventDetails: { name: 'Only', input: '{"a":1}', inputDetails } }),
    event(3, 'LambdaFunctionScheduled', {
      lambdaFunctionScheduledEventDetails: {
        resource: 'arn:function',
        input: '{"a":1}',
        inputDetails,
        timeoutInSeconds: 5,
      },
    }),
    event(4, 'LambdaFunctionStarted'),
  ];

  async function historyOf(state: object, options: Parameters<typeof createMachine>[1] = {}) {
    const machine = createMachine({ Only: state }, options);
    const { executionArn } = await machine.start({ a: 1 });
    await machine.result(executionArn);
    return { ...machine, executionArn, ...(await machine.history(executionArn)) };
  }

  const output = '{"a":1}';
  const outputDetails = { truncated: false };
  const failure = { error: 'E', cause: '{"errorType":"E"}' };
  const timeout = { error: 'States.Timeout' };

  it.each([
    [
      'succeeds',
      {},
      [
        event(5, 'LambdaFunctionSucceeded', { lambdaFunctionSucceededEventDetails: { output, outputDetails } }),
        event(6, 'TaskStateExited', { stateExitedEventDetails: { name: 'Only', output, outputDetails } }),
        event(7, 'ExecutionSucceeded', { executionSucceededEventDetails: { output, outputDetails } }),
      ],
    ],
    [
      'fails',
      { invokeLambda: failing(['E'], createClock()).invokeLambda },
      [
        event(5, 'LambdaFunctionFailed', { lambdaFunctionFailedEventDetails: failure }),
        event(6, 'ExecutionFailed', { executionFailedEventDetails: failure }),
      ],
    ],
    [
      'times out',
      { invokeLambda: never },
      [
        event(5, 'LambdaFunctionTimedOut', { lambdaFunctionTimedOutEventDetails: timeout }),
        event(6, 'ExecutionFailed', { executionFailedEventDetails: timeout }),
      ],
    ],
  ])('of a function that %s', async (_name, options, last) => {
    const { events } = await historyOf(task({ TimeoutSeconds: 5 }), options);
    expect(events).toEqual([...untilStarted, ...last]);
  });

  const integration = { resourceType: 'lambda', resource: 'invoke.waitForTaskToken' };
  const submitted = [
    {
      type: 'TaskScheduled',
      taskScheduledEventDetails: {
        ...integration,
        region: 'us-east-1',
        parameters: expect.stringContaining('"FunctionName":"arn:function"'),
        timeoutInSeconds: 30,
      },
    },
    { type: 'TaskStarted', taskStartedEventDetails: integration },
    {
      type: 'TaskSubmitted',
      taskSubmittedEventDetails: {
        ...integration,
        output: '{"ExecutedVersion":"$LATEST","StatusCode":200}',
        outputDetails: { truncated: false },
      },
    },
  ];

  it.each([
    [
      'is answered',
      { operation: 'SendTaskSuccess', answer: { output: '{"b":2}' } },
      [
        { type: 'TaskSucceeded', taskSucceededEventDetails: { ...integration, output: '{"b":2}' } },
        { type: 'TaskStateExited', stateExitedEventDetails: { name: 'Only', output: '{"b":2}' } },
        { type: 'ExecutionSucceeded', executionSucceededEventDetails: { output: '{"b":2}' } },
      ],
    ],
    [
      'fails',
      { operation: 'SendTaskFailure', answer: { error: 'E', cause: 'why' } },
      [
        { type: 'TaskFailed', taskFailedEventDetails: { ...integration, error: 'E', cause: 'why' } },
        { type: 'ExecutionFailed', executionFailedEventDetails: { error: 'E', cause: 'why' } },
      ],
    ],
    [
      'times out',
      undefined,
      [
        { type: 'TaskTimedOut', taskTimedOutEventDetails: { ...integration, error: 'States.Timeout' } },
        { type: 'ExecutionFailed', executionFailedEventDetails: { error: 'States.Timeout' } },
      ],
    ],
  ])('of a task that waits for a token and %s', async (_name, reply, last) => {
    const { invokeLambda, nextToken } = tokenTaker();
    const clock = createClock();
    const machine = createMachine({ Only: waitingTask({ TimeoutSeconds: 30 }) }, { invokeLambda, clock });
    const { executionArn } = await machine.start({ a: 1 });
    const taskToken = await nextToken();
    await machine.reached(executionArn, 'TaskSubmitted');
    if (reply === undefined) clock.advance(30_000);
    else await machine.run(reply.operation, { taskToken, ...reply.answer });
    await machine.result(executionArn);
    const { events } = await machine.history(executionArn);
    expect(events.slice(2)).toMatchObject([...submitted, ...last]);
  });

  it('says when each event was', async () => {
    const Retry = [{ ErrorEquals: ['E'], IntervalSeconds: 60 }];
    const { events } = await historyOf(task({ Retry }), failing(['E'], createClock()));
    const [first, second] = events
      .filter(({ type }) => type === 'LambdaFunctionScheduled')
      .map(({ timestamp: time }) => Number(time));
    expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(60_000);
  });

  it('has 25,000 events at the most: the last one is the failure, past every Retry and Catch', async () => {
    const clock = createClock({ skipIdle: true });
    const invokeLambda = () => Promise.reject(new LambdaError('E', ''));
    const Retry = [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 1, BackoffRate: 1, MaxAttempts: 99_999_999 }];
    const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'Rest' }];
    const machine = createMachine({ Only: task({ Retry, Catch }), Rest: { Type: 'Succeed' } }, { invokeLambda, clock });
    const { executionArn } = await machine.start();
    const failure = {
      error: 'States.Runtime',
      cause: 'The execution reached the maximum number of history events (25000).',
    };
    expect(await machine.result(executionArn)).toMatchObject({
      status: 'FAILED',
      ...failure,
      redriveStatus: 'NOT_REDRIVABLE',
    });
    const { events } = await machine.history(executionArn, { reverseOrder: true, maxResults: 1 });
    expect(events).toMatchObject([{ id: 25_000, type: 'ExecutionFailed', executionFailedEventDetails: failure }]);
  });

  it('comes in pages, forwards or backwards', async () => {
    const { executionArn, history, events: all } = await historyOf(task());
    for (const reverseOrder of [false, true]) {
      const pages = [];
      let nextToken: string | undefined;
      do {
        const page = await history(executionArn, { reverseOrder, maxResults: 3, nextToken });
        pages.push(page.events);
        nextToken = page.nextToken;
      } while (nextToken !== undefined);
      expect(pages.map(({ length }) => length)).toEqual([3, 3, 1]);
      expect(pages.flat()).toEqual(reverseOrder ? all.toReversed() : all);
    }
  });

  it('refuses a page token that it did not give', async () => {
    const { executionArn, history } = await historyOf(task());
    await expect(history(executionArn, { nextToken: 'x' })).rejects.toMatchObject({ code: 'InvalidToken' });
  });

  it('leaves inputs and outputs out when asked to, and nothing else', async () => {
    const { executionArn, history } = await historyOf(task(), failing(['E'], createClock()));
    const { events } = await history(executionArn, { includeExecutionData: false });
    expect(JSON.stringify(events)).not.toMatch(/"(input|output)/);
    expect(events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ timestamp, stateEnteredEventDetails: { name: 'Only' } }),
        expect.objectContaining({ executionFailedEventDetails: { error: 'E', cause: '{"errorType":"E"}' } }),
      ]),
    );
  });
});

// Their members as in https://github.com/localstack/localstack/tree/main/tests/aws/services/stepfunctions/v2/base
describe('the events of an execution', () => {
  const redrivable = { redriveStatus: 'REDRIVABLE', redriveStatusReason: null };
  const notRedrivable = (status: string) => ({
    redriveStatus: 'NOT_REDRIVABLE',
    redriveStatusReason: `Execution is ${status} and cannot be redriven`,
  });

  it.each([
    ['SUCCEEDED', {}, { output: '{"a":1}', outputDetails: { included: true }, ...notRedrivable('SUCCEEDED') }],
    [
      'FAILED',
      { invokeLambda: failing(['E'], createClock()).invokeLambda },
      { ...redrivable, error: 'E', cause: '{"errorType":"E"}' },
    ],
    ['TIMED_OUT', { invokeLambda: never, TimeoutSeconds: 60 }, redrivable],
  ])('tell that it is RUNNING and then %s', async (status, options, end) => {
    const machine = createMachine({ Only: task() }, options);
    const { executionArn, startDate } = await machine.start({ a: 1 }, { name: 'acme-1' });
    await machine.result(executionArn);
    const event = {
      source: 'aws.states',
      'detail-type': 'Step Functions Execution Status Change',
      resources: [executionArn],
    };
    const detail = {
      executionArn,
      stateMachineArn: machine.stateMachineArn,
      name: 'acme-1',
      startDate: startDate.getTime(),
      input: '{"a":1}',
      inputDetails: { included: true },
      output: null,
      outputDetails: null,
      stateMachineVersionArn: null,
      stateMachineAliasArn: null,
      redriveCount: 0,
      redriveDate: null,
      error: null,
      cause: null,
    };
    const running = { ...detail, status: 'RUNNING', stopDate: null, ...notRedrivable('RUNNING') };
    expect(machine.published).toEqual([
      { ...event, detail: running },
      { ...event, detail: { ...detail, status, stopDate: expect.any(Number), ...end } },
    ]);
  });

  it('tell that it is ABORTED, also when the sandbox closes', async () => {
    const machine = createMachine({ Only: task() }, { invokeLambda: never });
    await machine.start();
    machine.close();
    machine.close();
    expect(machine.published.map(({ detail }) => detail.status)).toEqual(['RUNNING', 'ABORTED']);
  });
});

describe('what is there', () => {
  it('lists executions, the newest first, by status and in pages', async () => {
    const machine = createMachine({ Only: waitingTask() }, { invokeLambda: never });
    for (const name of ['one', 'two', 'three']) await machine.start({}, { name });
    await machine.run('StopExecution', { executionArn: executionArnOf('two') });
    const list = (more: object) => machine.run('ListExecutions', { stateMachineArn: machine.stateMachineArn, ...more });
    const executions = (...names: string[]) => names.map((name) => expect.objectContaining({ name }));
    expect(await list({ statusFilter: 'RUNNING' })).toMatchObject({ executions: executions('three', 'one') });
    expect(await list({ statusFilter: 'ABORTED' })).toMatchObject({ executions: executions('two') });
    expect(await list({ maxResults: 2 })).toEqual({ executions: executions('three', 'two'), nextToken: '2' });
    expect(await list({ maxResults: 2, nextToken: '2' })).toEqual({ executions: executions('one') });
    machine.close();
  });

  it('describes and lists machines', async () => {
    const { run, stateMachineArn } = createMachine({ Only: task() });
    const machine = { stateMachineArn, name: 'Machine', type: 'STANDARD', creationDate: expect.any(Date) };
    expect(await run('ListStateMachines', {})).toEqual({ stateMachines: [machine] });
    expect(await run('DescribeStateMachine', { stateMachineArn })).toEqual({
      ...machine,
      status: 'ACTIVE',
      roleArn: 'arn:role',
      definition: JSON.stringify({ StartAt: 'Only', States: { Only: task() } }),
    });
  });

  it.each([
    ['DescribeStateMachine', { stateMachineArn: absent('stateMachine') }, 'StateMachineDoesNotExist'],
    ['ListExecutions', { stateMachineArn: absent('stateMachine') }, 'StateMachineDoesNotExist'],
    ['DescribeExecution', { executionArn: absent('execution') }, 'ExecutionDoesNotExist'],
    ['GetExecutionHistory', { executionArn: absent('execution') }, 'ExecutionDoesNotExist'],
    ['StopExecution', { executionArn: absent('execution') }, 'ExecutionDoesNotExist'],
    ['RedriveExecution', { executionArn: absent('execution') }, 'ExecutionDoesNotExist'],
  ])('%s names what is not there', async (operation, input, code) => {
    const refused = createMachine({ Only: task() }).run(operation, input);
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringContaining('Absent') });
  });
});
