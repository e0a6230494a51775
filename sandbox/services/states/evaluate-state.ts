import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import * as v from 'valibot';
import type { Catcher, State } from './definition.ts';
import { maxCauseLength } from './json.ts';

interface StateErrorOptions {
  /** Whether it passes by every Retry and Catch. */
  isTerminal?: boolean;
  /** What a Catch makes of it, if not name and cause. */
  output?: { Error: string | null; Cause: string | null };
}

/** A failure of a state, with the error name that Retry and Catch match, and the cause; each may be empty. */
export class StateError extends Error {
  override readonly name: string;
  override readonly cause: string;
  readonly isTerminal: boolean;
  /** What a Catch puts into the state's output. */
  readonly output: { Error: string | null; Cause: string | null };

  constructor(name: string, cause: string, options: StateErrorOptions = {}) {
    super(cause);
    this.name = name;
    this.cause = cause.slice(0, maxCauseLength);
    this.isTerminal = options.isTerminal ?? name === 'States.Runtime';
    this.output = options.output ?? { Error: name, Cause: this.cause };
  }

  /** The members of the events that record it: what is empty is left out. */
  get details(): { error?: string; cause?: string } {
    return { ...(this.name === '' ? {} : { error: this.name }), ...(this.cause === '' ? {} : { cause: this.cause }) };
  }
}

/** A result or an output that is longer than Step Functions takes. */
export function dataLimitExceeded(source: string, options: StateErrorOptions = {}): StateError {
  // As recorded in https://github.com/localstack/localstack/blob/main/tests/aws/services/stepfunctions/v2/error_handling
  const cause = `The state/task '${source}' returned a result with a size exceeding the maximum number of bytes service limit.`;
  return new StateError('States.DataLimitExceeded', cause, options);
}

/** An error of the machine itself, such as a path that leads nowhere. */
export function runtimeError(state: { name: string; enteredId: number }, reason: string): StateError {
  const where = `An error occurred while executing the state '${state.name}' (entered at the event id #${state.enteredId}).`;
  return new StateError('States.Runtime', `${where} ${reason}`);
}

/** The context object, `$$` in the definition, and where the state was entered in the history. */
export interface StateContext {
  enteredId: number;
  Execution: { Id: string; Name: string; StartTime: string };
  State: { Name: string; EnteredTime: string; RetryCount: number };
  StateMachine: { Id: string; Name: string };
  Task?: { Token: string };
}

// The engine's own timer, which runs on real time, must never fire: timeouts are the execution's, on the sandbox's clock.
const neverSeconds = 2_000_000;

/**
 * Evaluates one state with the engine: its paths, templates and intrinsic functions, and no more. Transitions, retries,
 * catches, timeouts and task tokens are the execution's own, since the engine has no tokens, runs on real time only and
 * cannot be entered in the middle (as redrive does).
 */
export async function evaluateTask(
  state: State,
  input: unknown,
  context: StateContext,
  perform: (parameters: unknown) => Promise<unknown>,
): Promise<unknown> {
  const { Retry, Catch, Next, ...task } = state;
  let failure: unknown;
  const handler = async (parameters: unknown) => {
    try {
      return await perform(parameters);
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  try {
    return await run({ ...task, TimeoutSeconds: neverSeconds, End: true }, input, context, handler);
  } catch (error) {
    throw failure ?? error;
  }
}

/** Evaluates a Pass or Succeed state. */
export function evaluatePass(state: State, input: unknown, context: StateContext): Promise<unknown> {
  const { Next, Retry, Catch, ...pass } = state;
  return run({ ...pass, ...(state.Type === 'Pass' ? { End: true } : {}) }, input, context);
}

/** Evaluates a Choice state: which state is next, and its input. */
export async function evaluateChoice(state: State, input: unknown, context: StateContext) {
  const { Retry, Catch, ...choice } = state;
  const targets = [...JSON.stringify(choice).matchAll(/"(?:Next|Default)":"([^"]+)"/g)].map(([, name = '']) => name);
  const states = Object.fromEntries(
    targets.map((name) => [name, { Type: 'Pass', Parameters: { next: name, 'output.$': '$' }, End: true }]),
  );
  const result = await run(choice, input, context, undefined, states);
  return v.parse(v.object({ next: v.string(), output: v.unknown() }), result);
}

/** What a path in the state's input points to. */
export async function evaluatePath(path: string, input: unknown, context: StateContext): Promise<unknown> {
  const result = await run({ Type: 'Pass', Parameters: { 'value.$': path }, End: true }, input, context);
  return v.parse(v.object({ value: v.unknown() }), result).value;
}

/** The output of a state whose error was caught: the error at the catcher's ResultPath (default: in place of the input). */
export function evaluateCatch({ ResultPath }: Catcher, input: unknown, error: StateError, context: StateContext) {
  return run(
    { Type: 'Pass', Result: error.output, ...(ResultPath === undefined ? {} : { ResultPath }), End: true },
    input,
    context,
  );
}

/** The engine writes the real time of each state's evaluation over the start time: it is read from another place. */
function withOwnStartTime(states: object): object {
  const text = JSON.stringify(states);
  return JSON.parse(text.replaceAll('$$.Execution.StartTime', () => '$$.Started.Time'));
}

type JsonInput = Parameters<StateMachine['run']>[0];

async function run(
  state: object,
  input: unknown,
  context: StateContext,
  handler?: (parameters: unknown) => Promise<unknown>,
  otherStates: object = {},
): Promise<unknown> {
  const { enteredId, ...contextObject } = context;
  const name = context.State.Name;
  // `$` is the default, and the engine takes it for a path into the input.
  const evaluated = 'ResultPath' in state && state.ResultPath === '$' ? { ...state, ResultPath: undefined } : state;
  // The definition was validated when it was packaged, and the engine's types want its own.
  const states = withOwnStartTime({ [name]: evaluated, ...otherStates });
  const definition = { StartAt: name, States: states } as StateMachineDefinition;
  const machine = new StateMachine(definition, { validationOptions: { noValidate: true } });
  try {
    // Everything in a state is JSON, which the engine's own type for it also describes.
    return await machine.run(input as JsonInput, {
      context: { ...contextObject, Started: { Time: context.Execution.StartTime } },
      overrides: { taskResourceLocalHandlers: handler === undefined ? {} : { [name]: handler as never } },
    }).result;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const message = cause instanceof Error ? cause.message : String(error);
    if (cause instanceof Error && cause.name !== 'States.Runtime') throw new StateError(cause.name, message);
    // As in AWS, the cause holds the state's whole input.
    throw runtimeError({ name, enteredId }, `${message} in the input '${JSON.stringify(input)}'`);
  }
}
