import { type Layout, printable, type Style } from './terminal.ts';

/** A column of a table. */
export interface Column<Row> {
  title: string;
  value: (row: Row) => string;
  /** 1 for what a table is useless without; where a screen is narrow, the columns with the highest numbers give way first. */
  importance: number;
  /** To how many characters it may be cut before it is left out; default: it is left out whole. */
  least?: number;
  align?: 'right';
  style?: (row: Row) => Style | undefined;
}

const gap = '  ';
const lengthOf = (text: string) => [...text].length;

/**
 * Rows as aligned lines below a line of titles. On a screen that is too narrow columns are cut, and then left out, the least important one first; elsewhere
 * everything is whole. No line ends with blanks.
 */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { paint, columns: width }: Layout,
): string[] {
  const cells = columns.map(({ value, title }) => [title, ...rows.map((row) => oneLine(value(row)))]);
  const natural = cells.map((texts) => Math.max(...texts.map(lengthOf)));
  const widths = fitted(columns, natural, width ?? Number.POSITIVE_INFINITY);
  const shown = columns.flatMap((column, place) => {
    const wide = widths[place];
    return wide === undefined ? [] : [{ column, wide, texts: cells[place] ?? [] }];
  });
  return [undefined, ...rows].map((row, line) =>
    shown
      .map(({ column, wide, texts }, place) => {
        const text = cut(texts[line] ?? '', wide);
        const blanks = ' '.repeat(wide - lengthOf(text));
        const style = row === undefined ? 'dim' : column.style?.(row);
        const painted = style === undefined ? text : paint(style, text);
        if (column.align === 'right') return blanks + painted;
        return place === shown.length - 1 ? painted : painted + blanks;
      })
      .join(gap)
      // Blanks below the last column's title.
      .trimEnd(),
  );
}

/** A cell is in one line, whatever it holds. */
const oneLine = (text: string) => printable(text).replaceAll('\n', ' ').trim();

/** A text in so many characters, with an ellipsis for what does not fit. */
export function cut(text: string, wide: number): string {
  const letters = [...text];
  return letters.length <= wide ? text : `${letters.slice(0, Math.max(0, wide - 1)).join('')}…`;
}

/** The widths that columns get; undefined: the column is left out. */
function fitted<Row>(
  columns: readonly Column<Row>[],
  natural: readonly number[],
  width: number,
): readonly (number | undefined)[] {
  const widths: (number | undefined)[] = [...natural];
  const excess = () => {
    const kept = widths.filter((wide) => wide !== undefined);
    return kept.reduce((sum, wide) => sum + wide, gap.length * (kept.length - 1)) - width;
  };
  const byImportance = columns
    .map(({ importance, least }, place) => ({ place, importance, least }))
    .toSorted((one, other) => other.importance - one.importance || other.place - one.place);
  for (const { place, least } of byImportance) {
    const wide = widths[place];
    if (excess() <= 0 || wide === undefined) continue;
    const isLast = widths.filter((each) => each !== undefined).length === 1;
    const floor = isLast ? 1 : (least ?? wide);
    const narrow = Math.max(Math.min(floor, wide), wide - excess());
    widths[place] = narrow;
    if (excess() > 0 && !isLast) widths[place] = undefined;
  }
  return regrown(widths, natural, -excess(), byImportance);
}

/** What is left over when a column was left out goes back to those that were cut, the most important one first. */
function regrown(
  widths: readonly (number | undefined)[],
  natural: readonly number[],
  room: number,
  byImportance: readonly { place: number }[],
): readonly (number | undefined)[] {
  const grown = [...widths];
  let left = room;
  for (const { place } of byImportance.toReversed()) {
    const wide = grown[place];
    if (wide === undefined) continue;
    const more = Math.min(Math.max(0, left), (natural[place] ?? wide) - wide);
    grown[place] = wide + more;
    left -= more;
  }
  return grown;
}
