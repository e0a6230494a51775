import { type Layout, printable } from './terminal.ts';

const labelWidth = 11;
const indent = 2 + labelWidth + 2;
/** Narrower than this, wrapped text is harder to read than text that the terminal breaks. */
const leastWidth = 16;

/** A label and what it says; null is left out. */
export type Fact = readonly [label: string, value: string | null];

/** Labelled facts as lines, wrapped between words with a hanging indent. */
export function rows(facts: readonly Fact[], { paint, columns }: Layout): string[] {
  const width = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(leastWidth, columns - indent);
  const nextLine = `\n${' '.repeat(indent)}`;
  return facts.flatMap(([label, value]) =>
    value === null
      ? []
      : [`  ${paint('dim', label.padEnd(labelWidth))}  ${wrap(printable(value).trimEnd(), width).join(nextLine)}`],
  );
}

/** The lines of a text, broken between words; a word that is longer than a line, such as an ARN, stays whole so that it can be copied. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => {
    if (line.length <= width) return [line];
    const lines: string[] = [];
    for (const word of line.split(' ')) {
      const last = lines.at(-1);
      if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
      else lines.push(word);
    }
    return lines;
  });
}
