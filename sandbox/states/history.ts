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

/** A history and the function that adds to it. One state runs at a time, so each event follows from the one before. */
export function createHistory(clock: Clock): { events: HistoryEvent[]; record: Recorder } {
  const events: HistoryEvent[] = [];
  return {
    events,
    record(type, details) {
      const previousEventId = events.length;
      events.push({ id: previousEventId + 1, previousEventId, timestamp: new Date(clock.now()), type, ...details });
    },
  };
}
