import { pictured, type Scene } from './scenes.ts';
import { type Run, type Shown, shownAfter, textOf } from './screen.ts';
import { svgOf } from './svg.ts';

/** What differs in each run and says nothing, and what stands there in a picture. */
const settled: readonly [form: RegExp, replace: (found: string) => string][] = [
  [/ +\d+\.\d s\b/g, (found) => fitted('0.3 s', found)],
  [/ +\d+ s(?= |$)/g, (found) => fitted('1 s', found)],
  [
    /(?<!key\/)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g,
    () => '2f0c9a4e-7d15-4b86-9c3e-51a8e6b7d042',
  ],
  [/\b[0-9a-f]{64}\b/g, () => '7c1f0d6b'.repeat(8)],
  // The ends of physical ids, and of executions' names.
  [/(?<=-)(?=[A-Z]*\d)(?=\d*[A-Z])[0-9A-Z]{12}\b/g, () => '4E7A91C0D2B8'],
  [/(?<=-)[0-9a-z]{8}[0-9a-f]{6}\b/g, () => 'mx3ldjn7b921ef'],
  [/(?<=127\.0\.0\.1:)\d+/g, () => '4566'],
  [/\d{4}-\d\d-\d\d(?=[ T]\d\d:\d\d)/g, () => '2026-12-01'],
  [/(?<![\d:])\d\d:\d\d(:\d\d)?(\.\d{3})?(?=Z| |$)/g, (found) => '09:30:00.000'.slice(0, found.length)],
];

/** A text with so many blanks before it that what stands behind it stays in its place. */
const fitted = (text: string, found: string) => (found.startsWith('  ') ? text.padStart(found.length) : ` ${text}`);

/** The picture of a scene after what it has written in a terminal, so that each run makes the same one. */
export function pictureOf({ line, inAnyOrder }: Scene, output: string): string {
  const shown: Shown = shownAfter(output);
  const settledLines = shown.lines.map((runs) => runs.map(settle));
  const lines = inAnyOrder === undefined ? settledLines : sorted(settledLines, inAnyOrder);
  const command = ['infinstor-onboarding', ...line(pictured.userName), '--stage', 'sandbox'].join(' ');
  return svgOf(command, { lines }, pictured.columns);
}

/** Lines that come as it happens in their alphabetical order, each with those that go on with it, which begin with a blank. */
function sorted(lines: Shown['lines'], begins: RegExp): Shown['lines'] {
  const blocks: (readonly Run[])[][] = [];
  for (const line of lines) {
    const block = blocks.at(-1);
    if (block !== undefined && textOf(line).startsWith(' ')) block.push(line);
    else blocks.push([line]);
  }
  const first = (block: readonly (readonly Run[])[]) => textOf(block[0] ?? []);
  const some = blocks.filter((block) => begins.test(first(block)));
  const inOrder = some.toSorted((one, other) => (first(one) < first(other) ? -1 : 1));
  return blocks.flatMap((block) => (some.includes(block) ? (inOrder.shift() ?? []) : block));
}

const settle = ({ text, styles }: Run): Run => ({
  styles,
  text: settled.reduce((before, [form, replace]) => before.replace(form, (found) => replace(found)), text),
});
