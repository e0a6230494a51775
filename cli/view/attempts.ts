import type { HistoryEvent } from '@aws-sdk/client-sfn';

/** One try of a state: the first of a visit, or a retry of it. Each is one state transition, as AWS counts them. */
export interface Attempt {
  state: string;
  /** 1 for the first try of a visit. */
  attempt: number;
  enteredAt: Date;
  /** When the state was left or, for a try that was retried, when it failed; null while neither has happened. */
  exitedAt: Date | null;
  /** When the try failed, whether or not it is known yet what comes after; null for one that runs or has succeeded. */
  failedAt: Date | null;
  /** The ASL name of the error that ended the try, whether caught, retried or fatal. */
  error: string | null;
}

/** The tries of an execution's states in order, from its history or the beginning of it. Parallel branches are not distinguished. */
export function attemptsOf(events: readonly HistoryEvent[]): Attempt[] {
  const attempts: Attempt[] = [];
  let failedAt: Date | null = null;
  for (const event of events) {
    const { timestamp, type = '' } = event;
    if (timestamp === undefined) continue;
    const current = attempts.at(-1);
    const entered = event.stateEnteredEventDetails?.name;
    if (entered !== undefined) {
      attempts.push({ state: entered, attempt: 1, enteredAt: timestamp, exitedAt: null, failedAt: null, error: null });
      failedAt = null;
    } else if (current === undefined) {
    } else if (event.stateExitedEventDetails !== undefined) {
      current.exitedAt = timestamp;
    } else if (/^(Task|LambdaFunction)Scheduled$/.test(type) && failedAt !== null) {
      // History has no event for a retry: the task is scheduled once more within the same visit.
      current.exitedAt = failedAt;
      attempts.push({
        state: current.state,
        attempt: current.attempt + 1,
        enteredAt: timestamp,
        exitedAt: null,
        failedAt: null,
        error: null,
      });
      failedAt = null;
    } else if (/^(Task|LambdaFunction).*(Failed|TimedOut)$/.test(type)) {
      current.error = errorNameOf(event);
      failedAt = timestamp;
      current.failedAt = timestamp;
    }
  }
  return attempts;
}

/** What was done for a while, for the screen: a try of a state, or the wait before a retry. */
export interface Stage {
  label: string;
  startedAt: Date;
  /** Null while it goes on. */
  endedAt: Date | null;
  outcome: 'done' | 'retried' | 'caught' | 'waited';
  error: string | null;
}

/** Errors that end a wait as they should: the stack is gone, or an operation on it is over. */
export const expectedErrors: readonly string[] = ['StackGone', 'StackSettled'];

/**
 * The tries with the waits between them, so that what is shown adds up to the time that the execution takes.
 * @param isWaiting whether a last try that has failed is known to be retried
 */
export function stagesOf(attempts: readonly Attempt[], isWaiting = false): Stage[] {
  return attempts.flatMap(({ state, attempt, enteredAt, exitedAt, failedAt, error }, index): Stage[] => {
    const next = attempts[index + 1];
    const isRetried = next === undefined ? isWaiting && exitedAt === null : next.attempt > 1;
    const label = attempt === 1 ? state : `${state} (attempt ${attempt})`;
    if (!isRetried || failedAt === null) {
      const outcome = error === null || expectedErrors.includes(error) ? 'done' : 'caught';
      return [{ label, startedAt: enteredAt, endedAt: exitedAt, outcome, error }];
    }
    return [
      { label, startedAt: enteredAt, endedAt: failedAt, outcome: 'retried', error },
      {
        label: `wait before attempt ${attempt + 1}`,
        startedAt: failedAt,
        endedAt: next?.enteredAt ?? null,
        outcome: 'waited',
        error: null,
      },
    ];
  });
}

/** The ASL name of the error that an event of a task reports. */
export function errorNameOf(event: HistoryEvent): string {
  const details =
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails ??
    event.lambdaFunctionScheduleFailedEventDetails ??
    event.lambdaFunctionStartFailedEventDetails ??
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.taskStartFailedEventDetails ??
    event.taskSubmitFailedEventDetails;
  return details?.error ?? (event.type?.endsWith('TimedOut') ? 'States.Timeout' : 'States.TaskFailed');
}
