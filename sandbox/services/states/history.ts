import type { Clock } from '../../core/clock.ts';
import { StateError } from './evaluate-state.ts';

/** An event of an execution's history, as GetExecutionHistory returns it. */
export interface HistoryEvent {
  id: number;
  previousEventId: number;
  timestamp: Date;
  type: string;
  [details: `${string}EventDetails`]: object;
}

export type Recorder = (type: string, details: Record<`${string}EventDetails`, object>) => void;

/** Step Functions' limit: the last event of a history of this length says why the execution ended. */
export const maxEvents = 25_000;

/** The details of an event, which say of each input and output that it is whole. */
function withDataDetails(details: object): object {
  return {
    ...details,
    ...('input' in details ? { inputDetails: { truncated: false } } : {}),
    ...('output' in details ? { outputDetails: { truncated: false } } : {}),
  };
}

/**
 * A history and the function that adds to it. One state runs at a time, so each event follows from the one before; the
 * first state and an abort follow from none, as in AWS. The function throws a StateError when only the end has room left.
 */
export function createHistory(clock: Clock): { events: HistoryEvent[]; record: Recorder } {
  const events: HistoryEvent[] = [];
  return {
    events,
    record(type, details) {
      const id = events.length + 1;
      if (id >= maxEvents && !type.startsWith('Execution')) {
        const cause = `The execution reached the maximum number of history events (${maxEvents}).`;
        throw new StateError('States.Runtime', cause);
      }
      const previousEventId = id === 2 || type === 'ExecutionAborted' ? 0 : id - 1;
      const entries = Object.entries(details).map(([name, detail]) => [name, withDataDetails(detail)]);
      events.push({ id, previousEventId, timestamp: new Date(clock.now()), type, ...Object.fromEntries(entries) });
    },
  };
}
