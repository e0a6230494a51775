import { wrap } from '../view/rows.ts';
import { type Layout, printable } from '../view/terminal.ts';
import type { Finding } from './finding.ts';

const marks = {
  ok: { style: 'green', word: 'ok' },
  warn: { style: 'yellow', word: 'warn' },
  fail: { style: 'red', word: 'FAIL' },
} as const;
const markWidth = 6;
/** Narrower than this, wrapped text is harder to read than text that the terminal breaks. */
const leastWidth = 16;

/** A finding as lines: how it is, what it is about and why, and below that what mends it. */
export function findingText({ what, outcome, why, mend }: Finding, { paint, columns }: Layout): string {
  const { style, word } = marks[outcome];
  const width = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(leastWidth, columns - markWidth - 1);
  const indent = `\n${' '.repeat(markWidth)}`;
  const lines = [
    ...wrap(`${printable(what)}: ${printable(why)}`, width),
    ...(mend === null ? [] : wrap(`→ ${printable(mend)}`, width).map((line) => paint('dim', line))),
  ];
  return `${paint(style, word.padEnd(markWidth))}${lines.join(indent)}\n`;
}

/** What all findings come to. */
export function verdict(findings: readonly Finding[]): string {
  const count = (outcome: Finding['outcome']) => findings.filter((finding) => finding.outcome === outcome).length;
  const [failed, warned] = [count('fail'), count('warn')];
  if (failed + warned === 0) return 'Nothing is wrong.\n';
  return `${[...(failed > 0 ? [`${failed} failed`] : []), ...(warned > 0 ? [`${warned} to be looked at`] : []), `${count('ok')} in order`].join(', ')}.\n`;
}
