import * as v from 'valibot';
import type { Catcher, Definition, Retrier, State } from './definition.ts';
import {
  evaluateCatch,
  evaluateChoice,
  evaluatePass,
  evaluatePath,
  type StateContext,
  StateError,
} from './evaluate-state.ts';
import { createHistory, type HistoryEvent } from './history.ts';
import { type TaskEnvironment, tryTaskOnce } from './task.ts';

export interface StateMachine {
  stateMachineArn: string;
  name: string;
  roleArn: string;
  definition: Definition;
  definitionText: string;
  createdAt: Date;
}

export interface Execution {
  readonly executionArn: string;
  readonly name: string;
  readonly machine: StateMachine;
  readonly input: string;
  readonly startDate: Date;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  stopDate?: Date;
  output?: string;
  error?: string;
  cause?: string;
  readonly history: HistoryEvent[];
  /** Ends a running execution as ABORTED. */
  abort(failure: { error?: string | undefined; cause?: string | undefined }): void;
}

interface Environment extends TaskEnvironment {
  onStatusChange: (execution: Execution) => void;
}

const timeoutSchema = v.pipe(v.number(), v.integer(), v.minValue(1));

/** Step Functions' limit for inputs and outputs of states, in bytes. */
export const maxPayloadBytes = 262_144;

/** Starts an execution of a machine; it goes on by itself until it ends. */
export function startExecution(
  machine: StateMachine,
  { executionArn, name, input }: { executionArn: string; name: string; input: string },
  environment: Environment,
): Execution {
  const { clock, onStatusChange } = environment;
  const abortion = new AbortController();
  const { events, record } = createHistory(clock);
  const execution: Execution = {
    executionArn,
    name,
    machine,
    input,
    startDate: new Date(clock.now()),
    status: 'RUNNING',
    history: events,
    abort({ error, cause }) {
      const failure = { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
      record('ExecutionAborted', { executionAbortedEventDetails: failure });
      end('ABORTED', failure);
    },
  };

  function end(
    status: Exclude<Execution['status'], 'RUNNING'>,
    result: { output?: string; error?: string; cause?: string },
  ) {
    cancelTimeout();
    Object.assign(execution, { status, stopDate: new Date(clock.now()), ...result });
    abortion.abort(new Error(status));
    onStatusChange(execution);
  }

  const { TimeoutSeconds } = machine.definition;
  const cancelTimeout =
    TimeoutSeconds === undefined
      ? () => {}
      : clock.after(TimeoutSeconds * 1000, () => {
          record('ExecutionTimedOut', { executionTimedOutEventDetails: {} });
          end('TIMED_OUT', {});
        });

  async function runStates(startAt: string, startInput: unknown): Promise<void> {
    let current: { name: string; input: unknown } | undefined = { name: startAt, input: startInput };
    let output: unknown = startInput;
    try {
      while (current !== undefined) {
        const step = await runState(current.name, current.input);
        output = step.output;
        current = step.next === undefined ? undefined : { name: step.next, input: step.output };
      }
      const text = JSON.stringify(output);
      record('ExecutionSucceeded', { executionSucceededEventDetails: { output: text } });
      end('SUCCEEDED', { output: text });
    } catch (error) {
      // An abort or timeout has ended the execution already.
      if (abortion.signal.aborted) return;
      const { name: errorName, cause } =
        error instanceof StateError ? error : new StateError('States.Runtime', String(error));
      const failure = { error: errorName, ...(cause === '' ? {} : { cause }) };
      record('ExecutionFailed', { executionFailedEventDetails: failure });
      end('FAILED', failure);
    }
  }

  async function runState(
    stateName: string,
    stateInput: unknown,
  ): Promise<{ next: string | undefined; output: unknown }> {
    const state = machine.definition.States[stateName];
    if (state === undefined) throw new StateError('States.Runtime', `There is no state ${stateName}`);
    const context: StateContext = {
      Execution: { Id: executionArn, Name: name },
      State: { Name: stateName, EnteredTime: new Date(clock.now()).toISOString(), RetryCount: 0 },
      StateMachine: { Id: machine.stateMachineArn, Name: machine.name },
    };
    record(`${state.Type}StateEntered`, {
      stateEnteredEventDetails: { name: stateName, input: JSON.stringify(stateInput) },
    });
    const step = await transition(state, stateInput, context);
    abortion.signal.throwIfAborted();
    const output = JSON.stringify(step.output);
    if (Buffer.byteLength(output) > maxPayloadBytes) {
      throw new StateError(
        'States.DataLimitExceeded',
        `The output of ${stateName} is larger than ${maxPayloadBytes} bytes`,
      );
    }
    record(`${state.Type}StateExited`, { stateExitedEventDetails: { name: stateName, output } });
    return step;
  }

  async function transition(state: State, input: unknown, context: StateContext) {
    switch (state.Type) {
      case 'Task':
        return runTask(state, input, context);
      case 'Choice':
        return evaluateChoice(state, input, context);
      case 'Pass':
      case 'Succeed':
      case 'Fail':
        return { next: state.Next, output: await evaluatePass(state, input, context) };
    }
  }

  async function runTask(state: State, input: unknown, context: StateContext) {
    const retries = new Map<Retrier, number>();
    while (true) {
      try {
        return { next: state.Next, output: await tryTask(state, input, context) };
      } catch (error) {
        if (abortion.signal.aborted || !(error instanceof StateError) || isTerminal(error)) throw error;
        const retrier = state.Retry.find(({ ErrorEquals }) => matches(ErrorEquals, error.name));
        const retried = retrier === undefined ? 0 : (retries.get(retrier) ?? 0);
        if (retrier === undefined || retried >= retrier.MaxAttempts) {
          const catcher = state.Catch.find(({ ErrorEquals }) => matches(ErrorEquals, error.name));
          if (catcher === undefined) throw error;
          return caught(catcher, input, error, context);
        }
        retries.set(retrier, retried + 1);
        context.State.RetryCount += 1;
        await clock.sleep(retryDelay(retrier, retried), abortion.signal);
      }
    }
  }

  async function caught(catcher: Catcher, input: unknown, error: StateError, context: StateContext) {
    return { next: catcher.Next, output: await evaluateCatch(catcher, input, error, context) };
  }

  async function tryTask(state: State, input: unknown, context: StateContext): Promise<unknown> {
    const seconds =
      state.TimeoutSecondsPath === undefined
        ? state.TimeoutSeconds
        : v.parse(timeoutSchema, await evaluatePath(state.TimeoutSecondsPath, input, context));
    return tryTaskOnce(state, input, context, { seconds, record, signal: abortion.signal, ...environment });
  }

  record('ExecutionStarted', { executionStartedEventDetails: { input, roleArn: machine.roleArn } });
  onStatusChange(execution);
  void runStates(machine.definition.StartAt, JSON.parse(input));
  return execution;
}

/** Whether an `ErrorEquals` names this error, with the wildcards' exceptions (ASL specification, "Errors"). */
function matches(errorEquals: readonly string[], name: string): boolean {
  return errorEquals.some(
    (pattern) =>
      pattern === name || pattern === 'States.ALL' || (pattern === 'States.TaskFailed' && name !== 'States.Timeout'),
  );
}

/** The errors that pass by every Retry and Catch. */
const isTerminal = ({ name }: StateError) => name === 'States.Runtime' || name === 'States.DataLimitExceeded';

/** How long to wait before a retry, in milliseconds. */
function retryDelay(
  { IntervalSeconds, BackoffRate, MaxDelaySeconds, JitterStrategy }: Retrier,
  retried: number,
): number {
  const seconds = Math.min(IntervalSeconds * BackoffRate ** retried, MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
  return seconds * 1000 * (JitterStrategy === 'FULL' ? Math.random() : 1);
}
