import * as v from 'valibot';
import type { Clock } from '../../core/clock.ts';
import { LambdaError } from '../../core/lambda-error.ts';
import { type State, waitResource } from './definition.ts';
import { dataLimitExceeded, evaluateTask, type StateContext, StateError } from './evaluate-state.ts';
import type { Recorder } from './history.ts';
import { isTooLarge } from './json.ts';
import type { TaskTokens } from './task-tokens.ts';

export interface TaskEnvironment {
  clock: Clock;
  tokens: TaskTokens;
  /** Invokes a function; throws LambdaError. */
  invokeLambda: (functionArn: string, event: unknown) => Promise<unknown>;
  /** Lets happen to a function what comes before its invocation, and so before the state's time; default: nothing. */
  thaw?: ((functionArn: string) => Promise<void>) | undefined;
}

interface Try extends TaskEnvironment {
  /** The state's timeout; undefined: none. */
  seconds: number | undefined;
  record: Recorder;
  /** Aborted when the execution ends before the task. */
  signal: AbortSignal;
}

const waitDetails = { resourceType: 'lambda', resource: 'invoke.waitForTaskToken' };
const waitParametersSchema = v.strictObject({ FunctionName: v.string(), Payload: v.unknown() });

/**
 * Runs a Task state once: a Lambda function, or one that hands out a task token and the wait for the answer.
 * @returns the state's output
 * @throws StateError
 */
export async function tryTaskOnce(state: State, input: unknown, context: StateContext, parts: Try): Promise<unknown> {
  const { clock, tokens, invokeLambda, seconds, signal } = parts;
  const waits = state.Resource === waitResource;
  const { HeartbeatSeconds: heartbeat } = state;
  const timeout = {
    ...(seconds === undefined ? {} : { timeoutInSeconds: seconds }),
    ...(heartbeat === undefined ? {} : { heartbeatInSeconds: heartbeat }),
  };
  let onHeartbeat = () => {};
  const { token, answer } = waits
    ? tokens.issue(context.StateMachine.Id, () => onHeartbeat())
    : { token: undefined, answer: undefined };
  // What a function still does after its state has timed out is no part of the history.
  let isOver = false;
  const record: Recorder = (type, details) => {
    if (!isOver) parts.record(type, details);
  };

  function end(): void {
    isOver = true;
    if (token !== undefined) tokens.revoke(token);
  }

  async function callFunction(parameters: unknown): Promise<unknown> {
    const resource = state.Resource ?? '';
    record('LambdaFunctionScheduled', {
      lambdaFunctionScheduledEventDetails: { resource, input: JSON.stringify(parameters), ...timeout },
    });
    record('LambdaFunctionStarted', {});
    try {
      const result = await invokeLambda(resource, parameters);
      const output = JSON.stringify(result);
      // A result that is too large fails the task, and a Catch may take that: the other limits end the execution.
      if (isTooLarge(output)) throw dataLimitExceeded(resource);
      record('LambdaFunctionSucceeded', { lambdaFunctionSucceededEventDetails: { output } });
      return result;
    } catch (error) {
      const failure = stateError(error);
      record('LambdaFunctionFailed', { lambdaFunctionFailedEventDetails: failure.details });
      throw failure;
    }
  }

  async function callAndWait(parameters: unknown): Promise<unknown> {
    const { FunctionName, Payload } = v.parse(waitParametersSchema, parameters);
    record('TaskScheduled', {
      taskScheduledEventDetails: {
        ...waitDetails,
        region: context.StateMachine.Id.split(':')[3],
        parameters: JSON.stringify(parameters),
        ...timeout,
      },
    });
    record('TaskStarted', { taskStartedEventDetails: waitDetails });
    try {
      const submitted = invokeLambda(FunctionName, Payload).then(submission);
      // The function may answer the token itself, before it returns: the task is submitted all the same.
      const answered = answer?.then(
        () => ({}),
        () => ({}),
      );
      const taskSubmittedEventDetails = { ...waitDetails, ...(await Promise.race([submitted, answered])) };
      record('TaskSubmitted', { taskSubmittedEventDetails });
      const output = await answer;
      record('TaskSucceeded', { taskSucceededEventDetails: { ...waitDetails, output: JSON.stringify(output) } });
      return output;
    } catch (error) {
      const failure = stateError(error);
      record('TaskFailed', { taskFailedEventDetails: { ...waitDetails, ...failure.details } });
      throw failure;
    }
  }

  async function perform(parameters: unknown): Promise<unknown> {
    if (isTooLarge(JSON.stringify(parameters))) throw dataLimitExceeded(context.State.Name, { isTerminal: true });
    await parts.thaw?.(waits ? v.parse(waitParametersSchema, parameters).FunctionName : (state.Resource ?? ''));
    signal.throwIfAborted();
    const { promise: interruption, reject } = Promise.withResolvers<never>();
    const interrupt = (reason: unknown) => {
      end();
      reject(reason);
    };
    const onAbort = () => interrupt(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    const timeOutAfter = (limit: number | undefined) =>
      limit === undefined
        ? () => {}
        : clock.after(limit * 1000, () => {
            const error = { error: 'States.Timeout' };
            try {
              if (waits) record('TaskTimedOut', { taskTimedOutEventDetails: { ...waitDetails, ...error } });
              else record('LambdaFunctionTimedOut', { lambdaFunctionTimedOutEventDetails: error });
              interrupt(new StateError('States.Timeout', ''));
            } catch (fullHistory) {
              interrupt(fullHistory);
            }
          });
    const cancelTimeout = timeOutAfter(seconds);
    let cancelHeartbeat = timeOutAfter(heartbeat);
    onHeartbeat = () => {
      cancelHeartbeat();
      cancelHeartbeat = timeOutAfter(heartbeat);
    };
    try {
      return await Promise.race([waits ? callAndWait(parameters) : callFunction(parameters), interruption]);
    } finally {
      cancelTimeout();
      cancelHeartbeat();
      signal.removeEventListener('abort', onAbort);
    }
  }

  try {
    const taskContext = token === undefined ? context : { ...context, Task: { Token: token } };
    return await evaluateTask(state, input, taskContext, perform);
  } finally {
    end();
  }
}

/** What the integration has of Lambda's answer, but for the metadata of HTTP. */
function submission(result: unknown): { output: string } {
  const output = JSON.stringify({ ExecutedVersion: '$LATEST', Payload: result, StatusCode: 200 });
  if (isTooLarge(output)) throw dataLimitExceeded('lambda');
  return { output };
}

function stateError(error: unknown): StateError {
  if (error instanceof StateError) return error;
  if (error instanceof LambdaError) return new StateError(error.name, error.cause);
  return new StateError('States.Runtime', String(error));
}
