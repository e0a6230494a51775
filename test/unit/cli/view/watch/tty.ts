import { EventEmitter } from 'node:events';
import type { Screen } from '../../../../../cli/view/terminal.ts';

/** A terminal as far as a live view uses one: it breaks long lines, and scrolls. It fails on a control that it does not know. */
export interface Tty {
  screen: Screen & { columns: number; rows: number };
  /** All lines, also those that have left the screen, without blanks at the end. */
  text(): string[];
  isCursorHidden(): boolean;
  /** Everything that was written. */
  written(): string;
  resize(columns: number, rows: number): void;
}

const tokens = new RegExp(`(${String.fromCharCode(27)}\\[\\??(\\d*)([A-Za-z]))|[\\s\\S]`, 'gu');

export function createTty(columns: number, rows: number): Tty {
  const events = new EventEmitter();
  let lines: string[] = [''];
  let row = 0;
  let column = 0;
  let hidden = false;
  let written = '';
  /** The first line that is on the screen. */
  const top = () => Math.max(0, lines.length - screen.rows);

  function newLine() {
    row += 1;
    column = 0;
    if (row === lines.length) lines.push('');
  }

  function put(letter: string) {
    if (column === screen.columns) newLine();
    const line = (lines[row] ?? '').padEnd(column);
    lines[row] = line.slice(0, column) + letter + line.slice(column + 1);
    column += 1;
  }

  const controls: Readonly<Record<string, (count: number) => void>> = {
    A: (count) => {
      row = Math.max(top(), row - count);
    },
    J: () => {
      lines[row] = (lines[row] ?? '').slice(0, column);
      // What was below is on the screen still, empty.
      for (let below = row + 1; below < lines.length; below += 1) lines[below] = '';
    },
    K: () => {
      lines[row] = '';
    },
    m: () => {},
    h: () => {
      hidden = false;
    },
    l: () => {
      hidden = true;
    },
  };

  function write(text: string) {
    written += text;
    for (const [token, , count, letter] of text.matchAll(tokens)) {
      if (letter !== undefined) {
        const control = controls[letter];
        if (control === undefined) throw new Error(`The terminal has no ${JSON.stringify(token)}`);
        control(Number(count));
      } else if (token === '\n') newLine();
      else if (token === '\r') column = 0;
      else put(token);
    }
    return true;
  }

  const screen = {
    isTTY: true,
    columns,
    rows,
    write,
    on: (event: 'resize', listener: () => void) => events.on(event, listener),
    off: (event: 'resize', listener: () => void) => events.off(event, listener),
  };
  return {
    screen,
    text() {
      const all = lines.map((line) => line.trimEnd());
      return all.slice(0, all.findLastIndex((line) => line !== '') + 1);
    },
    isCursorHidden: () => hidden,
    written: () => written,
    resize(newColumns, newRows) {
      // As most terminals do, it breaks what is too long anew.
      const before = lines.slice(0, row);
      const broken = (line: string) => line.match(new RegExp(`.{1,${newColumns}}`, 'g')) ?? [''];
      lines = [...before.flatMap(broken), ''];
      row = lines.length - 1;
      column = 0;
      screen.columns = newColumns;
      screen.rows = newRows;
      events.emit('resize');
    },
  };
}
