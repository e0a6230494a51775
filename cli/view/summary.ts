import { type DiffLine, diffKeyPolicies } from '../../lib/key-policy-diff.ts';
import type { Operation } from '../../lib/subscribers/operations.ts';
import { awsOptions, type Target } from '../target/target.ts';
import { type PolicyChange, summarizeKeyPolicies } from './key-policy-summary.ts';
import { isFirstState, isOwnError, nextStepFor, runbookLinkFor } from './next-step.ts';
import type { Failure, Report } from './report.ts';
import { type Fact, rows, wrapped } from './rows.ts';
import { type Layout, type Paint, printable, type Style, seconds } from './terminal.ts';

/** Where a command works, and how a further one for the same place is written; a throw-away sandbox is gone with its command. */
export interface Place {
  target: Target | undefined;
  command(words: string): string;
}

/** What an execution is about, and where it ran. */
export interface Subject {
  operation: Operation;
  userName: string | undefined;
  at: Place;
}

/** What the command itself adds to the verdict. */
export interface Extras {
  /** Whether differences of key policies are shown whole. */
  diff?: boolean;
  /** Where the functions' logs of a throw-away sandbox are. */
  logFolder?: string | undefined;
  /** How many faults that were asked for did not come. */
  faultsLeft?: number;
}

/** What an operation is called while it goes on. */
export function doing(operation: Operation, userName: string | undefined): string {
  return `${verbs[operation].doing} ${userName ?? 'the subscriber'}`;
}

const verbs: Record<Operation, { doing: string; done: string }> = {
  'onboard-subscriber': { doing: 'Onboarding', done: 'Onboarded' },
  'update-subscriber': { doing: 'Updating', done: 'Updated' },
  'upgrade-subscriber': { doing: 'Upgrading', done: 'Upgraded' },
  'add-user': { doing: 'Adding users to', done: 'Added users to' },
  'offboard-subscriber': { doing: 'Offboarding', done: 'Offboarded' },
};

/**
 * What came of an execution that is over: first what it changed of key policies, and last the verdict, so that the verdict is what
 * stands on the screen in the end.
 */
export function summaryText(
  subject: Subject,
  report: Report,
  policiesBefore: ReadonlyMap<string, unknown>,
  layout: Layout,
  extras: Extras = {},
): string {
  const keys = keyChanges(report, policiesBefore);
  const { credentialsSecretId, error, executionArn, output } = report;
  return [
    ...keys.flatMap((key) => changeLines(key, layout, extras.diff === true)),
    '',
    title(subject, report, keys, layout.paint),
    ...rows(
      [
        ...(error === null ? [['Credentials', credentialsFact(credentialsSecretId, subject)] as const] : []),
        ...(error === null ? outputFacts(output) : failureFacts(error)),
        ...keysFacts(keys, error !== null, extras),
        ['Execution', executionArn],
        ['Faults', faultsFact(extras.faultsLeft ?? 0)],
        ['Logs', extras.logFolder ?? null],
        ['Next', nextFact(subject, report)],
      ],
      layout,
    ),
    '',
  ].join('\n');
}

function title({ operation, userName, at }: Subject, report: Report, keys: KeyChange[], paint: Paint): string {
  const { status, error, durationMs } = report;
  const place = isThrowAway(at) ? ' (sandbox)' : '';
  const time = ` in ${seconds(durationMs)}`;
  if (error !== null) {
    const what = `${printable(doing(operation, userName))}${place} ${endings[status]}`;
    return `${paint('bold', paint('red', `✖ ${what}`))}${time}`;
  }
  const done = `${verbs[operation].done} ${printable(userName ?? 'the subscriber')}${place}`;
  return `${paint('bold', paint('green', `✔ ${done}`))}${time}${changesNothing(report, keys) ? ': nothing changed' : ''}`;
}

const isThrowAway = ({ target }: Place) => target?.kind === 'sandbox';

const endings: Record<Report['status'], string> = {
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'timed out',
  ABORTED: 'was stopped',
};

/**
 * Whether a run is known to have changed nothing: by its output, else by its keys, which name the role already when the stack was
 * there before.
 */
function changesNothing({ output, keyPolicies }: Report, keys: readonly KeyChange[]): boolean {
  if (output === null) return false;
  const { changed, users, roleArn, keyArns = [] } = output;
  if (changed !== undefined) return changed === false || (Array.isArray(changed) && changed.length === 0);
  if (users !== undefined) return users.length > 0 && users.every(({ outcome }) => outcome !== 'added');
  return (
    roleArn !== undefined &&
    keyArns.length > 0 &&
    keyArns.every((keyArn) => JSON.stringify(keyPolicies[keyArn] ?? null).includes(`"${roleArn}"`)) &&
    keyArns.every((keyArn) => keys.some((key) => key.keyArn === keyArn && key.changes?.length === 0))
  );
}

function credentialsFact(secretId: string | null, { operation, at: { target } }: Subject): string | null {
  if (secretId === null || operation === 'offboard-subscriber') return null;
  // The secret of a throw-away sandbox is gone before it could be read.
  if (target === undefined || target.kind === 'sandbox') return secretId;
  const options = [awsOptions(target), `--secret-id ${secretId}`].filter((text) => text !== '').join(' ');
  return `${secretId}\naws secretsmanager get-secret-value ${options}`;
}

/** What an execution has put out, as labelled facts. */
function outputFacts(output: Report['output']): Fact[] {
  if (output === null) return [];
  const {
    stackId = null,
    roleArn = null,
    verified,
    changed,
    build = null,
    replaced = [],
    users = [],
    retained = [],
    byHand = [],
  } = output;
  return [
    ['Changed', Array.isArray(changed) ? changed.join(', ') || 'nothing' : null],
    ['Stack', stackId],
    ['Build', build],
    ['Replaced', replaced.join(', ') || null],
    ['Role', roleArn],
    ['Verified', verified === undefined ? null : verified ? 'InfinStor uses the role' : 'no'],
    ...users.map((user): Fact => ['User', [user.userName, user.outcome, user.credentialsSecretId].join('  ')]),
    ...retained.map(({ type, physicalId }): Fact => ['Retained', `${physicalId} (${type})`]),
    ...byHand.map((task): Fact => ['By hand', task]),
  ];
}

function keysFacts(keys: readonly KeyChange[], isFailure: boolean, { diff = false }: Extras): Fact[] {
  const known = keys.flatMap(({ changes }) => (changes === undefined ? [] : [changes]));
  const changed = known.filter(({ length }) => length > 0).length;
  const unread = keys.length - known.length;
  if (keys.length === 0 || (isFailure && changed + unread === 0)) return [];
  const counts = [
    changed === 0 && known.length > 0 ? `${counted(known.length, 'key policy', 'key policies')} unchanged` : '',
    changed > 0 ? `${counted(changed, 'key policy', 'key policies')} changed` : '',
    unread > 0 ? `${counted(unread, 'key policy', 'key policies')} could not be read` : '',
  ].filter((text) => text !== '');
  return [['Keys', `${counts.join(', ')}${changed > 0 && !diff ? ' (--diff shows the whole difference)' : ''}`]];
}

function faultsFact(left: number): string | null {
  if (left === 0) return null;
  return `${counted(left, 'fault', 'faults')} did not happen: no such call was made`;
}

function counted(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}

function nextFact({ userName, at }: Subject, { error, executionArn }: Report): string | null {
  if (isThrowAway(at)) return 'This throw-away sandbox has ended; npm run sandbox starts one that keeps running';
  if (error !== null) return nextCommand(error, { userName, executionArn }, at);
  return userName === undefined ? null : at.command(`status ${userName}`);
}

/** The command that goes on after a failure, when the remedy is done; null when there is none that is known. */
export function nextCommand(
  { name, step }: { name: string; step?: string | null | undefined },
  { userName, executionArn }: { userName: string | undefined; executionArn: string | null },
  { command }: Place,
): string | null {
  switch (nextStepFor(name, step ?? undefined)) {
    case 'redrive': {
      // The first state records an attempt only at its end: the subscriber's latest one may be another.
      const execution = isFirstState(step) || userName === undefined ? executionArn : userName;
      return execution === null ? null : command(`redrive ${execution}`);
    }
    case 'retry':
      return userName === undefined ? null : command(`retry ${userName}`);
    case 'resend':
      return 'send its file again, when the remedy is done';
    case 'correct':
      return 'correct the request as the remedy says, and send its file again';
  }
}

/** Why the command failed, what it means and what to do next, as lines. */
export function failureText(error: Failure, layout: Layout): string {
  const facts = rows(failureFacts(error), layout);
  return [layout.paint('bold', layout.paint('red', '✖ Error')), ...facts, ''].join('\n');
}

function failureFacts({ name, step, message, remedy }: Failure): Fact[] {
  return [
    ['Step', step],
    ['Reason', `${name}: ${message}`],
    ['Remedy', remedy],
    ['Runbook', runbookFact({ name, step })],
  ];
}

/** An error of the command itself has no section in the runbook, nor has its own refusal of a request. */
function runbookFact({ name, step }: Pick<Failure, 'name' | 'step'>): string | null {
  return step !== null || (isOwnError(name) && name !== 'InvalidRequest') ? runbookLinkFor(name) : null;
}

/** What changed of a key's policy. */
export interface KeyChange {
  keyArn: string;
  /** Undefined when the policy cannot be read any more. */
  changes: PolicyChange[] | undefined;
  diff: DiffLine[];
}

function keyChanges({ keyPolicies, output }: Report, policiesBefore: ReadonlyMap<string, unknown>): KeyChange[] {
  const keyArns = new Set([...policiesBefore.keys(), ...Object.keys(keyPolicies), ...(output?.keyArns ?? [])]);
  return [...keyArns].flatMap((keyArn): KeyChange[] => {
    const before = policiesBefore.get(keyArn);
    const after = keyPolicies[keyArn];
    if (after === undefined) return [{ keyArn, changes: undefined, diff: [] }];
    // A key that is only known from the output, as of an offboarding that is repeated: its earlier policy was not read.
    if (before === undefined) return [];
    return [{ keyArn, changes: summarizeKeyPolicies(before, after), diff: diffKeyPolicies(before, after) }];
  });
}

/** What changed of a key's policy, in short or as a whole diff; nothing when nothing did. */
export function changeLines({ keyArn, changes, diff }: KeyChange, layout: Layout, whole: boolean): string[] {
  if (changes === undefined) return ['', `The key policy of ${keyArn} could not be read`];
  if (changes.length === 0) return [];
  if (!whole) {
    return ['', `Key policy of ${keyArn}:`, ...changes.flatMap((change) => changeLine(change, layout))];
  }
  return [
    '',
    `Key policy of ${keyArn} (statements and lists sorted):`,
    ...diff.map((line) => diffLine(line, layout.paint)),
  ];
}

function changeLine({ kind, text }: PolicyChange, { paint, columns }: Layout): string[] {
  const { mark, style } = changeMarks[kind];
  return wrapped(`  ${mark} ${printable(text)}`, columns, 4).map((line) => paint(style, line));
}

const changeMarks = {
  added: { mark: '+', style: 'green' },
  removed: { mark: '-', style: 'red' },
  changed: { mark: '~', style: 'yellow' },
} as const satisfies Record<PolicyChange['kind'], { mark: string; style: Style }>;

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
