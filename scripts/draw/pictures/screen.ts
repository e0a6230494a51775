import type { Style } from '../../../cli/view/terminal.ts';

/** Text of one style. */
export interface Run {
  text: string;
  styles: readonly Style[];
}

/** What a terminal shows in the end. */
export interface Shown {
  /** All lines, also those that have left the screen, without blanks at the end. */
  lines: readonly (readonly Run[])[];
  /** Whether the cursor is hidden still. */
  isCursorHidden: boolean;
  /** The styles that further text would have. */
  styles: readonly Style[];
}

interface Cell {
  letter: string;
  styles: readonly Style[];
}

const starts: ReadonlyMap<string, Style> = new Map<string, Style>([
  ['1', 'bold'],
  ['2', 'dim'],
  ['31', 'red'],
  ['32', 'green'],
  ['33', 'yellow'],
]);
/** What ends a style (ECMA-48, SGR): 22 both that are of weight, 39 a colour. */
const ends: ReadonlyMap<string, readonly Style[]> = new Map<string, readonly Style[]>([
  ['0', ['bold', 'dim', 'red', 'green', 'yellow']],
  ['22', ['bold', 'dim']],
  ['39', ['red', 'green', 'yellow']],
]);

const tokens = new RegExp(`${String.fromCharCode(27)}\\[([?\\d;]*)([A-Za-z])|[\\s\\S]`, 'gu');

/**
 * What a terminal shows after this output, one so wide that no line is broken.
 * @throws Error for a control that the command has no use for: who adds one adds it here, and looks whether all terminals have it
 */
export function shownAfter(output: string): Shown {
  const rows: Cell[][] = [[]];
  let row = 0;
  let column = 0;
  let isCursorHidden = false;
  let styles: readonly Style[] = [];
  const line = (place: number) => {
    while (rows.length <= place) rows.push([]);
    return rows[place] ?? [];
  };

  function control(parameters: string, letter: string): void {
    switch (`${parameters.startsWith('?') ? parameters : ''}${letter}`) {
      case 'A':
        row = Math.max(0, row - Number(parameters || 1));
        return;
      case 'J':
        line(row).splice(column);
        rows.splice(row + 1);
        return;
      case 'K':
        line(row).splice(parameters === '2' ? 0 : column);
        return;
      case '?25l':
        isCursorHidden = true;
        return;
      case '?25h':
        isCursorHidden = false;
        return;
      case 'm':
        for (const code of (parameters || '0').split(';')) styles = styled(styles, code);
        return;
      default:
        throw new Error(`The terminal has no control ${JSON.stringify(parameters + letter)}`);
    }
  }

  for (const [token, parameters, letter] of output.matchAll(tokens)) {
    if (letter !== undefined) control(parameters ?? '', letter);
    else if (token === '\n') {
      row += 1;
      line(row);
    } else if (token === '\r') column = 0;
    else if (/\p{Cc}/u.test(token)) throw new Error(`The terminal has no control ${JSON.stringify(token)}`);
    else {
      const cells = line(row);
      while (cells.length < column) cells.push({ letter: ' ', styles: [] });
      cells[column] = { letter: token, styles };
      column += 1;
    }
  }
  const lines = rows.map(runsOf);
  return { lines: lines.slice(0, lines.findLastIndex(({ length }) => length > 0) + 1), isCursorHidden, styles };
}

/** The text of a line without its styles. */
export const textOf = (line: readonly Run[]): string => line.map(({ text }) => text).join('');

function styled(styles: readonly Style[], code: string): readonly Style[] {
  const start = starts.get(code);
  if (start !== undefined) return [...styles, start];
  const ended = ends.get(code);
  if (ended === undefined) throw new Error(`The terminal has no style ${code}`);
  return styles.filter((style) => !ended.includes(style));
}

function runsOf(cells: readonly Cell[]): Run[] {
  const last = cells.findLastIndex(({ letter }) => letter !== ' ');
  const runs: Run[] = [];
  for (const { letter, styles } of cells.slice(0, last + 1)) {
    const run = runs.at(-1);
    if (run !== undefined && run.styles.join() === styles.join()) run.text += letter;
    else runs.push({ text: letter, styles });
  }
  return runs;
}
