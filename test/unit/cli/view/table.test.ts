import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Column, table } from '../../../../cli/view/table.ts';

interface Row {
  name: string;
  reason: string;
  count: number;
}

const columns: readonly Column<Row>[] = [
  { title: 'NAME', value: ({ name }) => name, importance: 1 },
  { title: 'REASON', value: ({ reason }) => reason, importance: 2, least: 8 },
  { title: 'COUNT', value: ({ count }) => String(count), importance: 3, align: 'right' },
];
const rows: readonly Row[] = [
  { name: 'acme', reason: 'StackFailed in WaitForStack', count: 2 },
  { name: 'globex-europe', reason: '', count: 100 },
];
const paint = (style: string, text: string) => `<${style}>${text}</>`;
const plain = (_style: string, text: string) => text;
const at = (width: number | undefined) => table(columns, rows, { paint: plain, columns: width });

describe('a table', () => {
  it('has everything, aligned, where nothing limits its width', () => {
    expect(at(undefined)).toEqual([
      'NAME           REASON                       COUNT',
      'acme           StackFailed in WaitForStack      2',
      'globex-europe                                 100',
    ]);
    expect(at(49)).toEqual(at(undefined));
  });

  it('loses its least important column first, and gives what that leaves to those before', () => {
    expect(at(48)).toEqual(['NAME           REASON', 'acme           StackFailed in WaitForStack', 'globex-europe']);
  });

  it('cuts a column as far as that may be, and then leaves it out', () => {
    expect(at(30)).toEqual(['NAME           REASON', 'acme           StackFailed in…', 'globex-europe']);
    expect(at(23)).toEqual(['NAME           REASON', 'acme           StackFa…', 'globex-europe']);
    expect(at(22)).toEqual(['NAME', 'acme', 'globex-europe']);
  });

  it('cuts even the last column rather than let a line break', () => {
    expect(at(6)).toEqual(['NAME', 'acme', 'globe…']);
  });

  it('puts colours around texts and not around blanks, so that they count for nothing', () => {
    const styled = columns.map((column) => ({ ...column, style: () => 'red' as const }));
    const [titles = '', first] = table(styled, rows, { paint, columns: undefined });
    expect(titles).toMatch(/^<dim>NAME<\/> {11}<dim>REASON<\/>/);
    expect(first).toBe(`<red>acme</>${' '.repeat(11)}<red>StackFailed in WaitForStack</>      <red>2</>`);
  });

  it('keeps what would control the terminal, and line ends, out', () => {
    const [, line] = table(columns, [{ name: 'a\u001b[31m\nb', reason: '', count: 1 }], {
      paint: plain,
      columns: undefined,
    });
    expect(line).toMatch(/^a \[31m b +1$/);
  });

  it('has no line that is longer than the screen, and no blanks at ends, whatever it holds', () => {
    const text = fc.string({ maxLength: 30 });
    const row = fc.record({ name: text, reason: text, count: fc.nat() });
    fc.assert(
      fc.property(fc.array(row), fc.integer({ min: 1, max: 120 }), (all, width) => {
        for (const line of table(columns, all, { paint: plain, columns: width })) {
          expect([...line].length).toBeLessThanOrEqual(width);
          expect(line).toBe(line.trimEnd());
        }
      }),
    );
  });
});
