import type { Clock } from '../clock.ts';

/** An event of an execution's history, as GetExecutionHistory returns it. */
export interface HistoryEvent {
  id: number;
  previousEventId: number;
  timestamp: Date;
  type: string;
  [details: `${string}EventDetails`]: object;
}

export type Recorder = (type: string, details: Record<`${string}EventDetails`, object>) => void;

/**
 * A history and the function that adds to it. One state runs at a time, so each event follows from the one before; the
 * first state and an abort follow from none, as in AWS.
 */
export function createHistory(clock: Clock): { events: HistoryEvent[]; record: Recorder } {
  const events: HistoryEvent[] = [];
  return {
    events,
    record(type, details) {
      const id = events.length + 1;
      const previousEventId = id === 2 || type === 'ExecutionAborted' ? 0 : id - 1;
      events.push({ id, previousEventId, timestamp: new Date(clock.now()), type, ...details });
    },
  };
}
