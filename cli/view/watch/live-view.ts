import { stripVTControlCharacters } from 'node:util';
import type { Screen } from '../terminal.ts';

/** Makes the lines for a screen of that size; none is longer than it is wide. */
export type Render = (columns: number) => readonly string[];

/** Lines at the end of a terminal that change in place. */
export interface LiveView {
  /** Shows these lines in place of the ones before; what is alike is not written again. */
  show(render: Render): void;
  /** Writes lines that stay, above those that change. */
  print(lines: readonly string[]): void;
  /** Leaves the lines as they are, and gives the cursor back. */
  end(): void;
}

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const clearLine = '\r\x1b[2K';
const clearBelow = '\r\x1b[J';
const up = (count: number) => (count === 0 ? '' : `\x1b[${count}A`);

/** Of a terminal that does not say how large it is. */
const usual = { columns: 80, rows: 24 };

/**
 * A view that is rewritten line by line. The cursor stands below its last line, and is hidden meanwhile; more lines than the terminal has are cut, since
 * what has left the screen cannot be rewritten.
 */
export function createLiveView(screen: Screen): LiveView {
  let shown: readonly string[] = [];
  /** How wide the screen was then. */
  let width = 0;
  let render: Render = () => [];
  let isOpen = false;

  const columnsNow = () => screen.columns || usual.columns;
  const rowsNow = () => screen.rows || usual.rows;

  function lines(): readonly string[] {
    const room = Math.max(1, rowsNow() - 1);
    const all = render(columnsNow()).map((line) => fitted(line, columnsNow()));
    if (all.length <= room) return all;
    const hidden = all.length - room + 1;
    return [...all.slice(0, room - 1), fitted(`… and ${hidden} more`, columnsNow())];
  }

  /** What goes to the first line of the view and leaves nothing of it; a terminal that has become narrower has broken its lines. */
  function clear(): string {
    const broken = shown.map((line) => Math.max(1, Math.ceil(lengthOf(line) / columnsNow())));
    const height = broken.reduce((sum, count) => sum + count, 0);
    return up(Math.min(height, rowsNow() - 1)) + clearBelow;
  }

  function draw(): void {
    const next = lines();
    const isResized = width !== columnsNow() || shown.length >= rowsNow();
    const text = isResized && shown.length > 0 ? clear() + written(next) : changed(shown, next);
    shown = next;
    width = columnsNow();
    if (text !== '') screen.write(text);
  }

  function open(): void {
    if (isOpen) return;
    isOpen = true;
    width = columnsNow();
    screen.on?.('resize', draw);
    screen.write(hideCursor);
  }

  return {
    show(given) {
      render = given;
      open();
      draw();
    },
    print(stay) {
      if (stay.length === 0) return;
      open();
      const next = lines();
      screen.write(clear() + written(stay) + written(next));
      shown = next;
      width = columnsNow();
    },
    end() {
      if (!isOpen) return;
      isOpen = false;
      screen.off?.('resize', draw);
      screen.write(showCursor);
    },
  };
}

const lengthOf = (line: string) => [...stripVTControlCharacters(line)].length;
const written = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');

/** A line that would be broken could not be rewritten. */
function fitted(line: string, columns: number): string {
  if (lengthOf(line) <= columns) return line;
  return `${[...stripVTControlCharacters(line)].slice(0, columns - 1).join('')}…`;
}

/** What changes one view into another, from below its last line to below that of the other; empty when they are alike. */
function changed(before: readonly string[], after: readonly string[]): string {
  const first = after.findIndex((line, place) => line !== before[place]);
  const isShorter = after.length < before.length;
  if (first === -1 && !isShorter) return '';
  const from = first === -1 ? after.length : first;
  const rest = after.slice(from).map((line, place) => (before[from + place] === line ? '\n' : `${clearLine}${line}\n`));
  return up(before.length - from) + rest.join('') + (isShorter ? clearBelow : '');
}
