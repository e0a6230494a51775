import type { HistoryEvent } from '@aws-sdk/client-sfn';

/** One try of a state: the first of a visit, or a retry of it. Each is one state transition, as AWS counts them. */
export interface Attempt {
  state: string;
  /** 1 for the first try of a visit. */
  attempt: number;
  enteredAt: Date;
  /** When the state was left or, for a try that was retried, when it failed; null while neither has happened. */
  exitedAt: Date | null;
  /** The ASL name of the error that ended the try, whether caught, retried or fatal. */
  error: string | null;
}

/** The tries of an execution's states in order, from its history or the beginning of it. Parallel branches are not told apart. */
export function attemptsOf(events: readonly HistoryEvent[]): Attempt[] {
  const attempts: Attempt[] = [];
  let failedAt: Date | null = null;
  for (const event of events) {
    const { timestamp, type = '' } = event;
    if (timestamp === undefined) continue;
    const current = attempts.at(-1);
    const entered = event.stateEnteredEventDetails?.name;
    if (entered !== undefined) {
      attempts.push({ state: entered, attempt: 1, enteredAt: timestamp, exitedAt: null, error: null });
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
        error: null,
      });
      failedAt = null;
    } else if (/^(Task|LambdaFunction).*(Failed|TimedOut)$/.test(type)) {
      current.error = errorName(event) ?? (type.endsWith('TimedOut') ? 'States.Timeout' : 'States.TaskFailed');
      failedAt = timestamp;
    }
  }
  return attempts;
}

function errorName(event: HistoryEvent): string | undefined {
  const details =
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails ??
    event.lambdaFunctionScheduleFailedEventDetails ??
    event.lambdaFunctionStartFailedEventDetails ??
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.taskStartFailedEventDetails ??
    event.taskSubmitFailedEventDetails;
  return details?.error;
}
