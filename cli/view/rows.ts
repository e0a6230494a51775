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

/**
 * The lines of a text that are shown one below the other, broken between words with a hanging indent.
 * @param indent that of all lines but the first one, which has its own
 */
export function wrapped(text: string, columns: number | undefined, indent: number): string[] {
  if (columns === undefined) return text.split('\n');
  const [, own = ''] = /^( *)/.exec(text) ?? [];
  // The first line has no more room than the others, so that they need not be reckoned by themselves.
  const lines = wrap(text.slice(own.length), Math.max(leastWidth, columns - indent));
  return lines.map((line, place) => `${place === 0 ? own : ' '.repeat(indent)}${line}`);
}

/** A command, which can be pasted only whole. */
const command = /^(aws|npm|infinstor-onboarding) /;

/** The lines of a text, broken between words; a command, and a word that is longer than a line, such as an ARN, stay whole so that they can be copied. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => {
    if (line.length <= width || command.test(line)) return [line];
    const lines: string[] = [];
    for (const word of line.split(' ')) {
      const last = lines.at(-1);
      if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
      else lines.push(word);
    }
    return lines;
  });
}
