import { describe, expect, it } from 'vitest';
import { LambdaError } from '../../../../../sandbox/core/lambda-error.ts';
import { createMachine, echo, task, tokenTaker, waitingTask } from './machine.ts';

const limit = 262_144;
const Rest = { Type: 'Succeed' };
const tooLarge = { error: 'States.DataLimitExceeded' };
const causeOf = (source: string) =>
  `The state/task '${source}' returned a result with a size exceeding the maximum number of bytes service limit.`;
const catchAll = { Catch: [{ ErrorEquals: ['States.ALL'], ResultPath: '$.caught', Next: 'Rest' }] };

/** A function whose answer has so many bytes as JSON. */
const answering = (bytes: number) => async () => 'é'.repeat(bytes / 2 - 1);

// As recorded in https://github.com/localstack/localstack/blob/main/tests/aws/services/stepfunctions/v2/error_handling
// (test_states_errors, 2024-03-21). The developer guide says that States.ALL does not match it.
describe('the result of a task', () => {
  it('may be 256 KiB', async () => {
    const machine = createMachine({ Only: task() }, { invokeLambda: answering(limit) });
    expect(await machine.execute()).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('fails the task when it is larger, and the execution when nothing catches that', async () => {
    const machine = createMachine({ Only: task() }, { invokeLambda: answering(limit + 2) });
    const { executionArn } = await machine.start();
    const failure = { ...tooLarge, cause: causeOf('arn:function') };
    expect(await machine.result(executionArn)).toMatchObject({ status: 'FAILED', ...failure });
    const { events } = await machine.history(executionArn);
    expect(events.at(-2)).toMatchObject({ type: 'LambdaFunctionFailed', lambdaFunctionFailedEventDetails: failure });
  });

  it.each([['States.DataLimitExceeded'], ['States.ALL'], ['States.TaskFailed']])(
    'can be caught by %s',
    async (name) => {
      const Catch = [{ ErrorEquals: [name], Next: 'Rest' }];
      const machine = createMachine({ Only: task({ Catch }), Rest }, { invokeLambda: answering(limit + 2) });
      expect(await machine.execute()).toMatchObject({
        status: 'SUCCEEDED',
        output: { Error: 'States.DataLimitExceeded', Cause: causeOf('arn:function') },
      });
    },
  );

  it('of a function that is handed a token is that of the integration', async () => {
    const Parameters = { FunctionName: 'arn:function', Payload: 'x' };
    const machine = createMachine({ Only: waitingTask({ Parameters }) }, { invokeLambda: answering(limit) });
    expect(await machine.execute()).toMatchObject({ ...tooLarge, cause: causeOf('lambda') });
  });
});

it('keeps 32,768 characters of a cause', async () => {
  const invokeLambda = () => Promise.reject(new LambdaError('E', 'x'.repeat(40_000)));
  const { cause } = await createMachine({ Only: task() }, { invokeLambda }).execute();
  expect(cause).toBe('x'.repeat(32_768));
});

describe('other limits', () => {
  it.each([
    ['output of a state', task({ ResultPath: '$.result', ...catchAll }), answering(limit - 2)],
    ['input after Parameters', task({ Parameters: { 'a.$': '$', 'b.$': '$', 'c.$': '$' }, ...catchAll }), echo],
    [
      'input of a task that waits for a token',
      waitingTask({
        Parameters: { FunctionName: 'arn:function', Payload: { 'a.$': '$', 'b.$': '$', 'c.$': '$' } },
        ...catchAll,
      }),
      tokenTaker().invokeLambda,
    ],
  ])('end the execution past every Catch: the %s', async (_name, Only, invokeLambda) => {
    const machine = createMachine({ Only, Rest }, { invokeLambda });
    expect(await machine.execute({ text: 'x'.repeat(100_000) })).toMatchObject({
      status: 'FAILED',
      ...tooLarge,
      cause: causeOf('Only'),
    });
  });

  it('count for the input of an execution too', async () => {
    const machine = createMachine({ Only: task() }, { invokeLambda: echo });
    await expect(machine.start('x'.repeat(limit - 1))).rejects.toMatchObject({ code: 'ValidationException' });
  });

  // https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html, "EventBridge payloads"
  it.each([
    ['input and output together', 130_000, { input: true, output: true }, { input: false, output: true }],
    ['the output', 255_000, { input: false, output: true }, { input: false, output: false }],
  ])('leave out of the events what is over 248 KB: %s', async (_name, bytes, running, ended) => {
    const machine = createMachine({ Only: task() });
    await machine.execute('x'.repeat(bytes));
    const details = machine.published.map(({ detail }) => detail);
    expect(details).toMatchObject([
      { inputDetails: { included: running.input }, outputDetails: null },
      { inputDetails: { included: ended.input }, outputDetails: { included: ended.output } },
    ]);
    expect(details.map(({ input }) => input !== null)).toEqual([running.input, ended.input]);
    expect(details.map(({ output }) => output !== null)).toEqual([false, ended.output]);
  });
});
