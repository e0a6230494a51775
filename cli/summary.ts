import { type DiffLine, diffKeyPolicies } from './key-policy-diff.ts';
import type { Failure, Report } from './report.ts';
import { type Paint, printable, seconds } from './terminal.ts';

const labelWidth = 10;

/** What people want to know of an onboarding that is over: what came of it, and what it changed. */
export function summaryText(
  userName: string | undefined,
  report: Report,
  policiesBefore: ReadonlyMap<string, unknown>,
  paint: Paint,
): string {
  const { status, output, error, executionArn, durationMs, transitions } = report;
  const who = printable(userName ?? 'the subscriber');
  const title = error === null ? paint('green', `Onboarded ${who}`) : paint('red', `Onboarding ${who} ended ${status}`);
  const facts: [string, string | null][] =
    error === null
      ? [
          ['Subscriber', output?.userName ?? null],
          ['Stack', output?.stackId ?? null],
          ['Role', output?.roleArn ?? null],
        ]
      : [];
  return [
    '',
    `${paint('bold', title)} in ${seconds(durationMs)}, ${transitions} ${transitions === 1 ? 'transition' : 'transitions'}.`,
    '',
    ...rows([...facts, ['Execution', executionArn]], paint),
    ...(error === null ? [] : ['', ...failureRows(error, paint)]),
    ...policyChanges(report, policiesBefore, paint),
    '',
  ].join('\n');
}

/** Why the command failed, what it means and what to do next, as lines. */
export function failureText(error: Failure, paint: Paint): string {
  return [...failureRows(error, paint), ''].join('\n');
}

function failureRows({ name, step, message, remedy }: Failure, paint: Paint): string[] {
  return rows(
    [
      ['Step', step],
      ['Reason', `${name}: ${message}`],
      ['Remedy', remedy],
    ],
    paint,
  );
}

/** Labelled facts as lines; those that are null are left out. */
export function rows(facts: readonly (readonly [string, string | null])[], paint: Paint): string[] {
  const nextLine = `\n${' '.repeat(2 + labelWidth + 2)}`;
  return facts.flatMap(([label, value]) =>
    value === null
      ? []
      : [`  ${paint('dim', label.padEnd(labelWidth))}  ${printable(value).trimEnd().replaceAll('\n', nextLine)}`],
  );
}

function policyChanges(
  { keyPolicies, error, output }: Report,
  policiesBefore: ReadonlyMap<string, unknown>,
  paint: Paint,
): string[] {
  const keyArns = new Set([...policiesBefore.keys(), ...Object.keys(keyPolicies), ...(output?.keyArns ?? [])]);
  return [...keyArns].flatMap((keyArn) => {
    const before = policiesBefore.get(keyArn);
    const after = keyPolicies[keyArn];
    if (before === undefined || after === undefined) return ['', `The key policy of ${keyArn} could not be read`];
    const lines = diffKeyPolicies(before, after);
    // A failed onboarding is expected to change nothing: only a change is news.
    if (lines.length === 0) return error === null ? ['', `Key policy of ${keyArn}: unchanged`] : [];
    return [
      '',
      `Key policy of ${keyArn} (statements and lists sorted):`,
      ...lines.map((line) => diffLine(line, paint)),
    ];
  });
}

/** A line of a diff, as people know it. */
export function diffLine(line: DiffLine, paint: Paint): string {
  const text = `  ${markedLine(line)}`;
  switch (line.kind) {
    case 'added':
      return paint('green', text);
    case 'removed':
      return paint('red', text);
    case 'same':
    case 'gap':
      return paint('dim', text);
  }
}

/** A line of a diff with its mark. */
export function markedLine({ kind, text }: DiffLine): string {
  switch (kind) {
    case 'added':
      return `+ ${text}`;
    case 'removed':
      return `- ${text}`;
    case 'same':
    case 'gap':
      return `  ${text}`;
  }
}
