import * as v from 'valibot';
import { type Clock, createClock } from '../../../../../sandbox/core/clock.ts';
import { LambdaError } from '../../../../../sandbox/core/lambda-error.ts';
import { createStates } from '../../../../../sandbox/services/states/service.ts';
import { call } from '../call.ts';

type InvokeLambda = (functionArn: string, event: unknown) => Promise<unknown>;

const startSchema = v.object({ executionArn: v.string(), startDate: v.date() });
const descriptionSchema = v.looseObject({
  status: v.string(),
  output: v.optional(v.pipe(v.string(), v.parseJson())),
  error: v.optional(v.string()),
  cause: v.optional(v.string()),
});
const historySchema = v.object({
  events: v.array(v.looseObject({ id: v.number(), previousEventId: v.number(), type: v.string() })),
  nextToken: v.optional(v.string()),
});
const tokenSchema = v.object({ token: v.string() });

/** A function that answers with its event. */
export const echo: InvokeLambda = async (_functionArn, event) => event;

/** A function that never answers. */
export const never = () => new Promise<never>(() => {});

/** Lets whatever can go on by itself go on. */
export async function idle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A function that fails with these errors, one an invocation, and then answers `done`; and when it was invoked. */
export function failing(names: readonly string[], clock: Clock) {
  const times: number[] = [];
  const invokeLambda: InvokeLambda = async () => {
    const name = names[times.length];
    times.push(clock.now());
    if (name !== undefined) throw new LambdaError(name, JSON.stringify({ errorType: name }));
    return 'done';
  };
  /** The seconds between the invocations. */
  const delays = () => times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 1000);
  return { invokeLambda, delays };
}

/** A function that is handed a task token, and never answers by itself; and the tokens in their order. */
export function tokenTaker() {
  const taken: string[] = [];
  const wanted: ((token: string) => void)[] = [];
  return {
    async invokeLambda(_functionArn: string, event: unknown) {
      const { token } = v.parse(tokenSchema, event);
      const next = wanted.shift();
      if (next === undefined) taken.push(token);
      else next(token);
    },
    async nextToken(): Promise<string> {
      return taken.shift() ?? new Promise<string>((resolve) => wanted.push(resolve));
    },
  };
}

export const task = (more: object = {}) => ({ Type: 'Task', Resource: 'arn:function', End: true, ...more });

export const waitingTask = (more: object = {}) =>
  task({
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Parameters: { FunctionName: 'arn:function', Payload: { 'token.$': '$$.Task.Token' } },
    ...more,
  });

/** Step Functions with one machine, `Machine`, whose first state is the first of these. */
export function createMachine(
  states: Readonly<Record<string, object>>,
  {
    invokeLambda = echo,
    clock = createClock({ skipIdle: true }),
    ...machine
  }: { invokeLambda?: InvokeLambda; clock?: Clock; TimeoutSeconds?: number } = {},
) {
  const ended = new Map<string, PromiseWithResolvers<void>>();
  const end = (executionArn: string) => {
    const existing = ended.get(executionArn) ?? Promise.withResolvers<void>();
    ended.set(executionArn, existing);
    return existing;
  };
  const published: Parameters<Parameters<typeof createStates>[0]['publish']>[0][] = [];
  const { service, ...rest } = createStates({
    clock,
    invokeLambda,
    publish(event) {
      published.push(event);
      const executionArn = String(event.resources[0]);
      // A redriven execution ends once more.
      if (event.detail.status === 'RUNNING') ended.delete(executionArn);
      else end(executionArn).resolve();
    },
  });
  const definition = JSON.stringify({ StartAt: Object.keys(states)[0], States: states, ...machine });
  const stateMachineArn = rest.createStateMachine({ name: 'Machine', roleArn: 'arn:role', definition });
  const run = (name: string, input: object) => call(service, name, input);

  async function start(input: unknown = {}, more: object = {}) {
    const started = await run('StartExecution', { stateMachineArn, input: JSON.stringify(input), ...more });
    return v.parse(startSchema, started);
  }

  /** The description of an execution that has ended. */
  async function result(executionArn: string) {
    await end(executionArn).promise;
    return v.parse(descriptionSchema, await run('DescribeExecution', { executionArn }));
  }

  const history = async (executionArn: string, more: object = {}) =>
    v.parse(historySchema, await run('GetExecutionHistory', { executionArn, ...more }));

  /** Settles when the last event of an execution is of this type. @throws Error when that never comes by itself */
  async function reached(executionArn: string, type: string): Promise<void> {
    let last: string | undefined;
    // Nothing outside the process is waited for, so that the turns it takes are few and always the same.
    for (let tries = 0; tries < 100; tries += 1) {
      last = (await history(executionArn)).events.at(-1)?.type;
      if (last === type) return;
      await idle();
    }
    throw new Error(`The last event is ${last}, and not ${type}`);
  }

  return {
    ...rest,
    clock,
    published,
    stateMachineArn,
    run,
    start,
    result,
    reached,
    history,
    /** Runs the machine from start to end. */
    execute: async (input?: unknown) => result((await start(input)).executionArn),
  };
}
