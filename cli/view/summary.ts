import type { Operation } from '../../lib/subscribers/operations.ts';
import { type DiffLine, diffKeyPolicies } from './key-policy-diff.ts';
import type { Failure, Report } from './report.ts';
import { type Paint, printable, seconds } from './terminal.ts';

const labelWidth = 10;

/** What an execution is about. */
interface Subject {
  operation: Operation;
  userName: string | undefined;
}

/** What an operation is called while it goes on. */
export function doing(operation: Operation, userName: string | undefined): string {
  return `${verbs[operation].doing} ${userName ?? 'the subscriber'}`;
}

const verbs: Record<Operation, { doing: string; done: string }> = {
  'onboard-subscriber': { doing: 'Onboarding', done: 'Onboarded' },
  'update-subscriber': { doing: 'Updating', done: 'Updated' },
  'add-user': { doing: 'Adding users to', done: 'Added users to' },
  'offboard-subscriber': { doing: 'Offboarding', done: 'Offboarded' },
};

/** What people want to know of an execution that is over: what came of it, and what it changed. */
export function summaryText(
  { operation, userName }: Subject,
  report: Report,
  policiesBefore: ReadonlyMap<string, unknown>,
  paint: Paint,
): string {
  const { status, output, error, executionArn, durationMs, transitions } = report;
  const title =
    error === null
      ? paint('green', `${verbs[operation].done} ${printable(userName ?? 'the subscriber')}`)
      : paint('red', `${printable(doing(operation, userName))} ended ${status}`);
  const facts = error === null ? outputFacts(output) : [];
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

/** What an execution has put out, as labelled facts. */
function outputFacts(output: Report['output']): [string, string | null][] {
  if (output === null) return [];
  const {
    userName,
    stackId = null,
    roleArn = null,
    verified,
    changed,
    users = [],
    retained = [],
    byHand = [],
  } = output;
  return [
    ['Subscriber', userName],
    ['Changed', changed === undefined ? null : changed.join(', ') || 'nothing'],
    ['Stack', stackId],
    ['Role', roleArn],
    ['Verified', verified === undefined ? null : verified ? 'InfinStor uses the role' : 'no'],
    ...users.map((user): [string, string] => [
      'User',
      [user.userName, user.outcome, user.credentialsSecretId].join('  '),
    ]),
    ...retained.map(({ type, physicalId }): [string, string] => ['Retained', `${physicalId} (${type})`]),
    ...byHand.map((task): [string, string] => ['By hand', task]),
  ];
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
    if (after === undefined) return ['', `The key policy of ${keyArn} could not be read`];
    // A key that is only known from the output, as of an offboarding that is repeated: nobody looked at it before.
    if (before === undefined) return [];
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
