import { describe, expect, it } from 'vitest';
import { bar, meterLines } from '../../../../cli/view/bar.ts';

const paint = (_: string, text: string) => text;
const painted = (style: string, text: string) => `<${style}>${text}</${style}>`;
const drawn = (used: number, limit: number) => bar(used, limit, 10, { paint });

describe('a bar', () => {
  it.each([
    [0, 100, '··········'],
    [1, 1000, '▇·········'],
    [55, 100, '▇▇▇▇▇·····'],
    [999, 1000, '▇▇▇▇▇▇▇▇▇·'],
    [1000, 1000, '▇▇▇▇▇▇▇▇▇▇'],
    [1200, 1000, '▇▇▇▇▇▇▇▇▇▇'],
    [0, 0, '▇▇▇▇▇▇▇▇▇▇'],
    [-1, 10, '··········'],
  ])('of %i of %i', (used, limit, expected) => {
    expect(drawn(used, limit)).toBe(expected);
  });

  it.each([
    [79, 'green'],
    [80, 'yellow'],
    [95, 'red'],
  ])('of %i per cent is %s', (used, style) => {
    expect(bar(used, 100, 10, { paint: painted })).toMatch(new RegExp(`^<${style}>▇`));
  });
});

const meters = [
  { label: 'IAM roles', used: 412, limit: 1000, note: '588 fit' },
  { label: 'IAM customer managed policies', used: 0, limit: 1500, note: '1500 fit' },
  { label: 'DynamoDB tables', used: null, limit: 2500, note: '' },
];

describe('lines of meters', () => {
  it.each([60, 100, 200])('fit into %i columns, with the same beginning and end of all bars', (columns) => {
    const lines = meterLines(meters, { paint, columns });
    expect(Math.max(...lines.map((line) => [...line].length))).toBeLessThan(columns);
    const places = lines.slice(0, 2).map((line) => [line.search(/[▇·]/), line.match(/[▇·]+/)?.[0].length]);
    expect(places[0]).toEqual(places[1]);
    expect(places[0]?.[1]).toBeGreaterThanOrEqual(10);
    expect(lines[2]).toMatch(/\?\/2500$/);
  });

  it('cut labels before they go without bars', () => {
    expect(meterLines(meters, { paint, columns: 60 })[1]).toMatch(
      /^ {2}IAM customer .*… {2}·{10} +0\/1500 {2}1500 fit$/,
    );
    const [line, other] = meterLines(meters, { paint, columns: 40 });
    expect(line).toBe('  IAM roles          412/1000  588 fit');
    expect(other).toBe('  IAM customer man…    0/1500  1500 fit');
  });

  it('have whole labels and plain numbers elsewhere', () => {
    expect(meterLines(meters, { paint, columns: undefined })).toEqual([
      '  IAM roles                      412/1000  588 fit',
      '  IAM customer managed policies    0/1500  1500 fit',
      '  DynamoDB tables                  ?/2500',
    ]);
  });

  it('have no column for labels that are not there', () => {
    const line = { label: '', used: 1, limit: 2, note: 'bytes' };
    expect(meterLines([line], { paint, columns: 60 })).toEqual([`  ${'▇'.repeat(20)}${'·'.repeat(20)}  1/2  bytes`]);
  });
});
