import { cut } from './table.ts';
import type { Layout, Style } from './terminal.ts';

/** How much of something is used. */
export interface Meter {
  label: string;
  used: number | null;
  limit: number | null;
  /** What else to say of it. */
  note: string;
}

const most = 40;
const least = 10;
const leastLabel = 12;
const margin = '  ';
const lengthOf = (text: string) => [...text].length;
const widest = (texts: readonly string[]) => Math.max(0, ...texts.map(lengthOf));

/**
 * A bar of so many characters. It is full only when all is used, and not empty when something is; where more than it can show is used,
 * it is full.
 */
export function bar(used: number, limit: number, wide: number, { paint }: Pick<Layout, 'paint'>): string {
  const share = limit <= 0 ? 1 : Math.max(0, used) / limit;
  const filled = share === 0 ? 0 : Math.min(wide, Math.max(1, Math.floor(share * wide)));
  return `${paint(styleOf(share), '▇'.repeat(filled))}${paint('dim', '·'.repeat(wide - filled))}`;
}

function styleOf(share: number): Style {
  if (share >= 0.95) return 'red';
  return share >= 0.8 ? 'yellow' : 'green';
}

/** `412/1000`; what is not known is a question mark. */
const figuresOf = ({ used, limit }: Meter) => `${used ?? '?'}/${limit ?? '?'}`;

/**
 * Aligned lines with a bar each, which has the room that the rest of a line leaves. What is no terminal gets the numbers alone. On a screen
 * that is too narrow labels are cut, and then bars are left out.
 */
export function meterLines(meters: readonly Meter[], layout: Layout): string[] {
  const { columns } = layout;
  const figures = widest(meters.map(figuresOf));
  const labels = widest(meters.map(({ label }) => label));
  const notes = widest(meters.map(({ note }) => note));
  // One column stays free: some terminals wrap a full line.
  const room = (columns ?? 0) - (margin.length * (labels > 0 ? 4 : 3) + figures + notes) - 1;
  const wide = Math.min(most, room - (labels === 0 ? 0 : Math.max(leastLabel, Math.min(labels, room - least))));
  const hasBars = wide >= least;
  const free = hasBars ? room - wide : Math.max(leastLabel, room + margin.length);
  const label = columns === undefined ? labels : Math.min(labels, free);
  return meters.map((meter) => {
    const { used, limit, note } = meter;
    const shown = () => (used === null || limit === null ? ' '.repeat(wide) : bar(used, limit, wide, layout));
    const parts = [
      ...(labels > 0 ? [cut(meter.label, label).padEnd(label)] : []),
      ...(hasBars ? [shown()] : []),
      figuresOf(meter).padStart(figures),
      note,
    ];
    return `${margin}${parts.join(margin)}`.trimEnd();
  });
}
