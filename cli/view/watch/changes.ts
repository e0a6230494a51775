import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { Operation } from '../../../lib/subscribers/operations.ts';
import { errorNameOf, expectedErrors } from '../attempts.ts';

/** An execution that is watched. */
export interface Watched {
  userName: string;
  operation: Operation;
  executionArn: string;
}

/** A change of how an execution stands; with `--json` each is a line. */
export interface Change extends Watched {
  /** In ISO 8601. */
  at: string;
  change: 'started' | 'entered' | 'try failed' | 'retried' | 'redriven' | Ending;
  /** The state; null before the first one. */
  step: string | null;
  /** Which try of the state's visit it is. */
  attempt: number | null;
  /** The ASL name of the error, of a try or an execution that has failed. */
  error: string | null;
  /** How long the execution has taken, when it is over. */
  durationMs: number | null;
}

export type Ending = 'succeeded' | 'failed' | 'timed out' | 'aborted';

const endings: Readonly<Record<string, Ending>> = {
  ExecutionSucceeded: 'succeeded',
  ExecutionFailed: 'failed',
  ExecutionTimedOut: 'timed out',
  ExecutionAborted: 'aborted',
};

/** Whether an execution is over with a change. */
export const isEnding = ({ change }: Pick<Change, 'change'>): boolean =>
  Object.values(endings).some((ending) => ending === change);

/** Whether it is over without success. */
export const isFailure = (change: Pick<Change, 'change'>): boolean => isEnding(change) && change.change !== 'succeeded';

/**
 * The changes of an execution in their order, from its history or the beginning of it: a longer history has the same ones first. An error that a state
 * waits for, as that a stack is gone, is none.
 */
export function changesOf(watched: Watched, events: readonly HistoryEvent[]): Change[] {
  const changes: Change[] = [];
  let step: string | null = null;
  let attempt = 1;
  let hasFailed = false;
  let startedAt: Date | undefined;
  for (const event of events) {
    const { timestamp, type = '' } = event;
    if (timestamp === undefined) continue;
    const add = (change: Change['change'], error: string | null = null, durationMs: number | null = null) =>
      changes.push({
        ...watched,
        at: timestamp.toISOString(),
        change,
        step,
        attempt: step === null ? null : attempt,
        error,
        durationMs,
      });
    const ending = endings[type];
    const entered = event.stateEnteredEventDetails?.name;
    if (ending !== undefined) {
      const details =
        event.executionFailedEventDetails ?? event.executionTimedOutEventDetails ?? event.executionAbortedEventDetails;
      add(ending, details?.error ?? null, timestamp.getTime() - (startedAt ?? timestamp).getTime());
    } else if (type === 'ExecutionStarted') {
      startedAt = timestamp;
      add('started');
    } else if (type === 'ExecutionRedriven') {
      hasFailed = false;
      attempt = 1;
      add('redriven');
    } else if (entered !== undefined) {
      step = entered;
      attempt = 1;
      hasFailed = false;
      add('entered');
    } else if (/^(Task|LambdaFunction)Scheduled$/.test(type) && hasFailed) {
      // History has no event for a retry: the task is scheduled once more within the same visit.
      attempt += 1;
      hasFailed = false;
      add('retried');
    } else if (/^(Task|LambdaFunction).*(Failed|TimedOut)$/.test(type)) {
      hasFailed = true;
      const error = errorNameOf(event);
      if (!expectedErrors.includes(error)) add('try failed', error);
    }
  }
  return changes;
}
