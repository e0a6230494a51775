import * as v from 'valibot';
import { type Layout, type Paint, printable, type Style } from './terminal.ts';

/** A line of a function's log, read. */
export interface LogEntry {
  /** In ISO 8601. */
  timestamp: string;
  /** The function's name, as that of its folder. */
  function: string;
  /** Null in a line that is not the project's own. */
  level: string | null;
  message: string;
  /** What else the line says, but for what all lines of an execution or a function have alike. */
  fields: Readonly<Record<string, unknown>>;
}

const ownSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({ level: v.string(), message: v.string(), timestamp: v.optional(v.string()) }),
);

/** What says of each line the same, or belongs to its place. */
const known = new Set([
  'level',
  'message',
  'timestamp',
  'service',
  'executionArn',
  'correlationId',
  'userName',
  'function_name',
  'function_arn',
  'function_memory_size',
  'cold_start',
  'sampling_rate',
  'xray_trace_id',
]);

/** Reads a line; one that is no JSON of the project's logger is its own message. */
export function logEntryOf(line: { at: number; message: string }, functionName: string): LogEntry {
  const timestamp = new Date(line.at).toISOString();
  const read = v.safeParse(ownSchema, line.message);
  if (!read.success) {
    return { timestamp, function: functionName, level: null, message: line.message.trimEnd(), fields: {} };
  }
  const { level, message, timestamp: written } = read.output;
  const fields = Object.entries(read.output).filter(([name]) => !known.has(name));
  return {
    timestamp: written ?? timestamp,
    function: functionName,
    level,
    message,
    fields: Object.fromEntries(fields),
  };
}

/** Which invocation it was: for other programs, since it is longer than most lines. */
const requestId = 'function_request_id';

/** From this width on messages begin below each other. */
const roomy = 100;
const levelWidth = 5;
const indent = '    ';

/** Lines of logs, for people. In a terminal long ones are broken between words; elsewhere each is one line, for other programs to search. */
export function logText(entries: readonly LogEntry[], { paint, columns }: Layout): string {
  const longest = Math.max(0, ...entries.map((entry) => entry.function.length));
  let day = '';
  return entries
    .flatMap((entry) => {
      const date = entry.timestamp.slice(0, 10);
      const isNewDay = columns !== undefined && date !== day;
      day = date;
      const parts = partsOf(
        entry,
        { longest: (columns ?? roomy) < roomy ? 0 : longest, isWhole: columns === undefined },
        paint,
      );
      return [
        ...(isNewDay ? [paint('bold', `${date} (UTC)`)] : []),
        ...(columns === undefined ? [parts.map(({ shown }) => shown).join(' ')] : broken(parts, columns)),
      ];
    })
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** A word of a line, as it is shown, and how long it is without its colour. */
interface Part {
  shown: string;
  length: number;
}

function partsOf(
  { timestamp, level, function: name, message, fields }: LogEntry,
  { longest, isWhole }: { longest: number; isWhole: boolean },
  paint: Paint,
): Part[] {
  const part = (text: string, style?: Style): Part => ({
    shown: style === undefined ? text : paint(style, text),
    length: text.length,
  });
  const words = (text: string, style?: Style) =>
    printable(text)
      .split(/[ \n]+/)
      .filter((word) => word !== '')
      .map((word) => part(word, style));
  return [
    part(isWhole ? timestamp : timestamp.slice(11, 23), 'dim'),
    part((level ?? '').padEnd(levelWidth), styleOf(level)),
    part(name.padEnd(longest), 'bold'),
    ...words(message, styleOf(level)),
    ...Object.entries(fields)
      .filter(([field]) => field !== requestId)
      .flatMap(([field, value]) => words(`${field}=${valueText(value)}`, 'dim')),
  ];
}

/** A text that can be mistaken for no other field; everything else as JSON. */
const valueText = (value: unknown) =>
  typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);

function styleOf(level: string | null): Style | undefined {
  switch (level) {
    case 'ERROR':
    case 'CRITICAL':
      return 'red';
    case 'WARN':
      return 'yellow';
    case 'DEBUG':
      return 'dim';
    default:
      return undefined;
  }
}

/** A word that is longer than a line, such as an ARN, stays whole so that it can be copied. */
function broken(parts: readonly Part[], columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  let length = 0;
  for (const part of parts) {
    if (length > 0 && length + 1 + part.length > columns) {
      lines.push(line);
      line = indent;
      length = indent.length;
    } else if (length > 0) {
      line += ' ';
      length += 1;
    }
    line += part.shown;
    length += part.length;
  }
  return [...lines, line];
}
