import { styleText } from 'node:util';
import type { Attempt } from './attempts.ts';

/** Where lines are shown: a terminal, or a file or pipe that takes plain text. */
export interface Screen {
  isTTY?: boolean;
  write(text: string): unknown;
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** Puts text into a colour, or leaves it as it is where colours are not wanted. */
export type Paint = (style: Style, text: string) => string;

export interface Terminal {
  paint: Paint;
  write(text: string): void;
  /** Shows that something runs, with its elapsed time, until the returned function tells how it ended. */
  begin(label: string): (ending: Ending) => void;
}

interface Ending {
  mark: keyof typeof marks;
  milliseconds: number;
  /** What else to say, such as the name of an error. */
  note?: string;
}

const marks = { done: ['green', '✔'], again: ['yellow', '↻'], failed: ['red', '✖'] } as const;
const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMilliseconds = 100;
const labelWidth = 30;

/** A terminal face for a screen. What is no terminal, or a dumb one, gets whole plain lines without control codes. */
export function createTerminal(screen: Screen, environment: NodeJS.ProcessEnv): Terminal {
  const live = screen.isTTY === true && environment.TERM !== 'dumb';
  const colours = live && !environment.NO_COLOR;
  const paint: Paint = (style, text) => (colours ? styleText(style, text, { validateStream: false }) : text);

  return {
    paint,
    write: (text) => void screen.write(text),
    begin(label) {
      const padded = label.padEnd(labelWidth);
      const startedAt = performance.now();
      // Without rewriting, the label alone stands there while it runs: who reads along sees what is being waited for.
      if (!live) screen.write(`  ${padded}`);
      let frame = 0;
      const draw = () => {
        const elapsed = seconds(performance.now() - startedAt);
        screen.write(`\r\x1b[2K${spinner[frame++ % spinner.length]} ${padded} ${paint('dim', elapsed)}`);
      };
      const timer = live ? setInterval(draw, frameMilliseconds) : undefined;
      if (live) draw();

      return ({ mark, milliseconds, note }) => {
        clearInterval(timer);
        const [style, sign] = marks[mark];
        const start = live ? `\r\x1b[2K${paint(style, sign)} ${padded}` : '';
        const words = [seconds(milliseconds).padStart(7), ...(note === undefined ? [] : [note])];
        screen.write(`${start} ${paint('dim', words.join('  '))}\n`);
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
    end({ mark: 'failed', milliseconds: performance.now() - startedAt, note: 'failed' });
    throw error;
  }
}

/** Shows the tries of an execution's states, each as it runs. Takes the whole list each time, which only grows. */
export function createProgress(terminal: Terminal) {
  let ended = 0;
  let endCurrent: ((ending: Ending) => void) | undefined;

  function show(attempts: readonly Attempt[]) {
    for (const { state, attempt, enteredAt, exitedAt, error } of attempts.slice(ended)) {
      endCurrent ??= terminal.begin(attempt === 1 ? state : `${state} (attempt ${attempt})`);
      if (exitedAt === null) return;
      const milliseconds = exitedAt.getTime() - enteredAt.getTime();
      // An error of a state that was left is part of the machine's way: a retry, or an edge that it caught.
      endCurrent(error === null ? { mark: 'done', milliseconds } : { mark: 'again', milliseconds, note: error });
      endCurrent = undefined;
      ended += 1;
    }
  }

  /** Shows the rest, of an execution that is over or can be followed no longer. */
  function finish(attempts: readonly Attempt[], endedAt: Date) {
    show(attempts);
    const last = attempts.at(-1);
    if (last === undefined) return;
    endCurrent?.({
      mark: 'failed',
      milliseconds: Math.max(0, endedAt.getTime() - last.enteredAt.getTime()),
      note: last.error ?? 'not finished',
    });
    endCurrent = undefined;
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
