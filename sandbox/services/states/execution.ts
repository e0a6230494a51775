import * as v from 'valibot';
import type { Catcher, Definition, Retrier, State } from './definition.ts';
import {
  dataLimitExceeded,
  evaluateCatch,
  evaluateChoice,
  evaluatePass,
  evaluatePath,
  runtimeError,
  type StateContext,
  StateError,
} from './evaluate-state.ts';
import { createHistory, type HistoryEvent } from './history.ts';
import { isTooLarge } from './json.ts';
import { type TaskEnvironment, tryTaskOnce } from './task.ts';

export interface StateMachine {
  stateMachineArn: string;
  name: string;
  roleArn: string;
  /** The customer managed key of its definition and its executions. */
  keyArn: string | undefined;
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
  redriveCount: number;
  redriveDate?: Date;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  stopDate?: Date;
  output?: string;
  error?: string;
  cause?: string;
  readonly history: HistoryEvent[];
  /** Ends a running execution as ABORTED. */
  abort(failure: { error?: string | undefined; cause?: string | undefined }): void;
  /** Runs again from the state that it ended in without success, with that state's input. */
  redrive(): void;
}

/** A state to enter, and its input. */
interface Entry {
  name: string;
  input: unknown;
}

interface Environment extends TaskEnvironment {
  onStatusChange: (execution: Execution) => void;
}

type End = (
  status: Exclude<Execution['status'], 'RUNNING'>,
  result: { output?: string; error?: string; cause?: string },
) => void;

const timeoutSchema = v.pipe(v.number(), v.integer(), v.minValue(1));

/** Starts an execution of a machine; it goes on by itself until it ends. */
export function startExecution(
  machine: StateMachine,
  { executionArn, name, input }: { executionArn: string; name: string; input: string },
  environment: Environment,
): Execution {
  const { clock, onStatusChange } = environment;
  const { events, record } = createHistory(clock);
  /** The state that the execution is in, or ended in. */
  let entry: Entry = { name: machine.definition.StartAt, input: JSON.parse(input) };
  /** The event of its entry. */
  let enteredId = 0;
  let end: End = () => {};
  const execution: Execution = {
    executionArn,
    name,
    machine,
    input,
    startDate: new Date(clock.now()),
    redriveCount: 0,
    status: 'RUNNING',
    history: events,
    abort({ error, cause }) {
      const failure = { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
      record('ExecutionAborted', { executionAbortedEventDetails: failure });
      end('ABORTED', failure);
    },
    redrive() {
      execution.redriveCount += 1;
      execution.redriveDate = new Date(clock.now());
      execution.status = 'RUNNING';
      delete execution.stopDate;
      delete execution.error;
      delete execution.cause;
      record('ExecutionRedriven', { executionRedrivenEventDetails: { redriveCount: execution.redriveCount } });
      drive();
    },
  };

  /** Runs from the current state to an end. What an earlier run still does after its own end changes nothing. */
  function drive(): void {
    const abortion = new AbortController();
    const { TimeoutSeconds } = machine.definition;
    const cancelTimeout =
      TimeoutSeconds === undefined
        ? () => {}
        : clock.after(TimeoutSeconds * 1000, () => {
            record('ExecutionTimedOut', { executionTimedOutEventDetails: {} });
            end('TIMED_OUT', {});
          });
    end = (status, result) => {
      cancelTimeout();
      Object.assign(execution, { status, stopDate: new Date(clock.now()), ...result });
      abortion.abort(new Error(status));
      onStatusChange(execution);
    };
    onStatusChange(execution);
    void runStates(abortion.signal);
  }

  async function runStates(signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        const { next, output } = await runState(entry, signal);
        if (next === undefined) {
          const text = JSON.stringify(output);
          record('ExecutionSucceeded', { executionSucceededEventDetails: { output: text } });
          end('SUCCEEDED', { output: text });
          return;
        }
        entry = { name: next, input: output };
      }
    } catch (error) {
      // An abort or timeout has ended the execution already.
      if (signal.aborted) return;
      const failure = (error instanceof StateError ? error : runtimeError({ ...entry, enteredId }, String(error)))
        .details;
      record('ExecutionFailed', { executionFailedEventDetails: failure });
      end('FAILED', failure);
    }
  }

  async function runState(
    { name: stateName, input: stateInput }: Entry,
    signal: AbortSignal,
  ): Promise<{ next: string | undefined; output: unknown }> {
    const state = machine.definition.States[stateName];
    if (state === undefined) throw new StateError('States.Runtime', `There is no state ${stateName}`);
    record(`${state.Type}StateEntered`, {
      stateEnteredEventDetails: { name: stateName, input: JSON.stringify(stateInput) },
    });
    enteredId = events.length;
    const context: StateContext = {
      enteredId,
      // A redrive does not change it.
      Execution: { Id: executionArn, Name: name, StartTime: execution.startDate.toISOString() },
      State: { Name: stateName, EnteredTime: new Date(clock.now()).toISOString(), RetryCount: 0 },
      StateMachine: { Id: machine.stateMachineArn, Name: machine.name },
    };
    const step = await transition(state, stateInput, context, signal);
    signal.throwIfAborted();
    const output = JSON.stringify(step.output);
    if (isTooLarge(output)) throw dataLimitExceeded(stateName);
    record(`${state.Type}StateExited`, { stateExitedEventDetails: { name: stateName, output } });
    return step;
  }

  async function transition(state: State, input: unknown, context: StateContext, signal: AbortSignal) {
    switch (state.Type) {
      case 'Task':
        return runTask(state, input, context, signal);
      case 'Choice':
        return evaluateChoice(state, input, context);
      case 'Pass':
      case 'Succeed':
      case 'Fail':
        return { next: state.Next, output: await evaluatePass(state, input, context) };
    }
  }

  async function runTask(state: State, input: unknown, context: StateContext, signal: AbortSignal) {
    const retries = new Map<Retrier, number>();
    while (true) {
      try {
        return { next: state.Next, output: await tryTask(state, input, context, signal) };
      } catch (error) {
        if (signal.aborted || !(error instanceof StateError) || error.isTerminal) throw error;
        const retrier = state.Retry.find(({ ErrorEquals }) => matches(ErrorEquals, error.name));
        const retried = retrier === undefined ? 0 : (retries.get(retrier) ?? 0);
        if (retrier === undefined || retried >= retrier.MaxAttempts) {
          const catcher = state.Catch.find(({ ErrorEquals }) => matches(ErrorEquals, error.name));
          if (catcher === undefined) throw error;
          return caught(catcher, input, error, context);
        }
        retries.set(retrier, retried + 1);
        context.State.RetryCount += 1;
        await clock.sleep(retryDelay(retrier, retried), signal);
      }
    }
  }

  async function caught(catcher: Catcher, input: unknown, error: StateError, context: StateContext) {
    return { next: catcher.Next, output: await evaluateCatch(catcher, input, error, context) };
  }

  async function tryTask(state: State, input: unknown, context: StateContext, signal: AbortSignal): Promise<unknown> {
    const seconds =
      state.TimeoutSecondsPath === undefined
        ? state.TimeoutSeconds
        : v.parse(timeoutSchema, await evaluatePath(state.TimeoutSecondsPath, input, context));
    return tryTaskOnce(state, input, context, { seconds, record, signal, ...environment });
  }

  record('ExecutionStarted', { executionStartedEventDetails: { input, roleArn: machine.roleArn } });
  drive();
  return execution;
}

/** Whether an `ErrorEquals` names this error, with the wildcards' exceptions (ASL specification, "Errors"). */
function matches(errorEquals: readonly string[], name: string): boolean {
  return errorEquals.some(
    (pattern) =>
      pattern === name || pattern === 'States.ALL' || (pattern === 'States.TaskFailed' && name !== 'States.Timeout'),
  );
}

/** How long to wait before a retry, in milliseconds. */
function retryDelay(
  { IntervalSeconds, BackoffRate, MaxDelaySeconds, JitterStrategy }: Retrier,
  retried: number,
): number {
  const seconds = Math.min(IntervalSeconds * BackoffRate ** retried, MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
  return seconds * 1000 * (JitterStrategy === 'FULL' ? Math.random() : 1);
}
