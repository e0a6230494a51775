import * as v from 'valibot';

/** An event as FilterLogEvents returns it. */
export interface LogEvent {
  logStreamName: string;
  /** Milliseconds since 1970. */
  timestamp: number;
  message: string;
  ingestionTime: number;
  eventId: string;
}

const lineSchema = v.pipe(v.string(), v.parseJson(), v.object({ timestamp: v.pipe(v.string(), v.isoTimestamp()) }));

/**
 * The events of a function's log, which has one in each line, in the order of their times. Lines that do not say when they were written have the time of
 * the one before.
 * @param now the time of lines before the first one that says so
 */
export function eventsOf(log: string, now: number): LogEvent[] {
  let last: number | undefined;
  const lines = log.split('\n').filter((line) => line !== '');
  const events = lines.map((message, place): LogEvent => {
    const read = v.safeParse(lineSchema, message);
    last = read.success ? Date.parse(read.output.timestamp) : last;
    const timestamp = last ?? now;
    return {
      // Of AWS's there is one for each environment.
      logStreamName: '[$LATEST]sandbox',
      timestamp,
      message,
      ingestionTime: timestamp,
      eventId: String(place).padStart(56, '0'),
    };
  });
  return events.toSorted((one, other) => one.timestamp - other.timestamp);
}
