import { styleText } from 'node:util';
import { type Attempt, stagesOf } from './attempts.ts';

/** Where lines are shown: a terminal, or a file or pipe that takes plain text. */
export interface Screen {
  isTTY?: boolean;
  /** The width of a terminal; it may change while the command runs. */
  columns?: number;
  /** Its height. */
  rows?: number;
  write(text: string): unknown;
  /** Reports changes of its size. */
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** Puts text into a colour, or leaves it as it is where colours are not wanted. */
export type Paint = (style: Style, text: string) => string;

/** How text is laid out for a screen. */
export interface Layout {
  paint: Paint;
  /** Where lines are wrapped; undefined: nowhere, as in a file or pipe. */
  columns: number | undefined;
}

export interface Terminal extends Layout {
  /** The screen, where lines can be written anew; undefined: there is none, or it cannot. */
  live: Screen | undefined;
  write(text: string): void;
  /** Shows that something runs, with its elapsed time, until the returned function reports how it ended. */
  begin(label: string): (ending: Ending) => void;
}

interface Ending {
  mark: keyof typeof marks;
  milliseconds: number;
  /** What else to say, such as the name of an error. */
  note?: string;
}

/** How something ended: a sign where a line can be rewritten, a word where it cannot (pipes, logs of a pipeline). */
const marks = {
  done: { style: 'green', sign: '✔', word: 'ok' },
  retried: { style: 'yellow', sign: '↻', word: 'retried' },
  caught: { style: 'yellow', sign: '↻', word: 'caught' },
  waited: { style: 'dim', sign: '…', word: 'waited' },
  failed: { style: 'red', sign: '✖', word: 'failed' },
} as const;
const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMilliseconds = 100;
const labelWidth = 30;
const timeWidth = 7;
/** A sign and the blanks around the label. A full line would make some terminals wrap, so one column stays free. */
const margin = 4;

/** A terminal face for a screen. What is no terminal, or a dumb one, gets whole plain lines without control codes. */
export function createTerminal(screen: Screen, environment: NodeJS.ProcessEnv): Terminal {
  const live = screen.isTTY === true && environment.TERM !== 'dumb';
  const colours = live && !environment.NO_COLOR;
  const paint: Paint = (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);

  return {
    paint,
    live: live ? screen : undefined,
    get columns() {
      return screen.isTTY === true ? screen.columns || undefined : undefined;
    },
    write: (text) => void screen.write(text),
    begin(label) {
      const startedAt = performance.now();
      // Without rewriting, the label alone stands there while it runs, so that a reader sees what is being waited for.
      if (!live) screen.write(`  ${label.padEnd(labelWidth)}`);
      let frame = 0;
      const line = (sign: string, milliseconds: number) => {
        // A line that wraps could not be rewritten: each frame would leave a part of it.
        const room = (screen.columns || Number.POSITIVE_INFINITY) - timeWidth - margin;
        const fitted = label.length > room ? `${label.slice(0, Math.max(0, room - 1))}…` : label;
        const time = seconds(milliseconds).padStart(timeWidth);
        return `\r\x1b[2K${sign} ${fitted.padEnd(Math.min(labelWidth, room))} ${paint('dim', time)}`;
      };
      const draw = () => {
        screen.write(line(spinner[frame++ % spinner.length] ?? '', performance.now() - startedAt));
      };
      const timer = live ? setInterval(draw, frameMilliseconds) : undefined;
      if (live) draw();

      return ({ mark, milliseconds, note }) => {
        clearInterval(timer);
        const { style, sign, word } = marks[mark];
        const shown = live ? line(paint(style, sign), milliseconds) : ` ${seconds(milliseconds).padStart(timeWidth)}`;
        const words = [...(live ? [] : [word]), ...(note === undefined ? [] : [note])].map((text) => `  ${text}`);
        screen.write(`${shown}${paint('dim', words.join(''))}\n`);
      };
    },
  };
}

/** Runs a task as one line of the terminal. */
export async function showing<Result>(terminal: Terminal, label: string, task: () => Promise<Result>): Promise<Result> {
  const end = terminal.begin(label);
  const startedAt = performance.now();
  try {
    const result = await task();
    end({ mark: 'done', milliseconds: performance.now() - startedAt });
    return result;
  } catch (error) {
    end({ mark: 'failed', milliseconds: performance.now() - startedAt });
    throw error;
  }
}

/** Shows the tries of an execution's states, and the waits between them, each as it runs. Takes the whole list each time, which only grows. */
export function createProgress(terminal: Terminal) {
  let ended = 0;
  let current: { startedAt: Date; end: (ending: Ending) => void } | undefined;
  /** How many tries there were the time before, if the last of them had failed and stood there without a successor. */
  let failed = 0;
  let isWaiting = false;

  /** @param isOver whether the execution has ended, so that a failure is its last one */
  function show(attempts: readonly Attempt[], isOver = false) {
    const last = attempts.at(-1);
    const isOpenFailure = last?.exitedAt === null && last.failedAt !== null;
    // What ends a state or an execution after a failure follows immediately: a failure that still stands alone is retried.
    isWaiting = isOpenFailure && !isOver && failed === attempts.length;
    failed = isOpenFailure ? attempts.length : 0;
    update(attempts);
  }

  function update(attempts: readonly Attempt[]) {
    for (const { label, startedAt, endedAt, outcome, error } of stagesOf(attempts, isWaiting).slice(ended)) {
      current ??= { startedAt, end: terminal.begin(label) };
      if (endedAt === null) return;
      const milliseconds = endedAt.getTime() - startedAt.getTime();
      current.end({ mark: outcome, milliseconds, ...(error !== null && { note: error }) });
      current = undefined;
      ended += 1;
    }
  }

  /** Shows the rest, of an execution that is over or can be followed no longer. */
  function finish(attempts: readonly Attempt[], endedAt: Date) {
    update(attempts);
    current?.end({
      mark: 'failed',
      milliseconds: Math.max(0, endedAt.getTime() - current.startedAt.getTime()),
      note: attempts.at(-1)?.error ?? 'not finished',
    });
    current = undefined;
  }

  return { show, finish };
}

/** A duration as people read it: `4.1 s`. */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Text from elsewhere (a request, an answer) without what would control the terminal; its line ends stay. */
export function printable(text: string): string {
  return text.replaceAll(/(?!\n)\p{Cc}/gu, ' ');
}
