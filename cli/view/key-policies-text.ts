import type { PolicyBackup, StatementChanges } from '../aws/policy-backup.ts';
import { diffKeyPolicies } from './key-policy-diff.ts';
import { diffLine, rows } from './summary.ts';
import { type Paint, printable } from './terminal.ts';

/**
 * A kept policy in the list: without the document, and with what changed until the next one or the policy in force. That may be
 * the work of several: what was written by hand is kept later, or not at all.
 */
export type BackupListing = Omit<PolicyBackup, 'policy'> & {
  /** Null where the policy in force cannot be read. */
  changes: StatementChanges | null;
};

/** What came of a restore. */
export interface Restoration {
  keyArn: string;
  policyId: string;
  changed: boolean;
  /** The id of the kept policy that undoes it; null where nothing was written, or nobody knows. */
  previousPolicyId: string | null;
  refusedRoles: { roleArn: string; name: string; message: string }[];
  /** The key's policy before and after; undefined where KMS did not tell it. */
  before: unknown;
  after: unknown;
}

const hashLength = 12;

/** The kept policies of a key, the oldest first. */
export function listText(keyArn: string, policies: readonly BackupListing[], paint: Paint): string {
  if (policies.length === 0) {
    return `No policy of ${keyArn} is kept: this deployment has not written over one.\n`;
  }
  const count = policies.length === 1 ? '1 policy' : `${policies.length} policies`;
  return [
    paint('bold', `${count} kept of ${keyArn}, the oldest first`),
    ...policies.flatMap((policy, index) => {
      const until = index + 1 < policies.length ? 'the next one' : 'the policy in force';
      return ['', ...rows([...factsOf(policy), ['Changes', changesText(policy.changes, until)]], paint)];
    }),
    '',
    'Changes are of all who wrote until then, also by hand.',
    'To see one and how it differs from the policy in force, add --show <id>; to restore it, --restore <id>.',
    '',
  ].join('\n');
}

/** One kept policy, and how it differs from the one in force. */
export function showText(
  keyArn: string,
  kept: Omit<PolicyBackup, 'policy'> & { policy: unknown },
  inForce: unknown,
  paint: Paint,
): string {
  const document = typeof kept.policy === 'string' ? kept.policy : JSON.stringify(kept.policy, undefined, 2);
  return [
    paint('bold', `Kept policy of ${keyArn}`),
    '',
    ...rows(factsOf(kept), paint),
    '',
    printable(document),
    '',
    ...differences(inForce, kept.policy, paint, {
      title: 'Against the policy in force (+ only here, - only in force; statements and lists sorted):',
      same: 'The policy in force says the same.',
    }),
    '',
    "A restore brings back the statements that are not the onboarding's own; those stay as the registry wants them.",
    '',
  ].join('\n');
}

/** What a restore changed. */
export function restoredText(
  { keyArn, policyId, changed, previousPolicyId, refusedRoles, before, after }: Restoration,
  paint: Paint,
): string {
  const undo =
    previousPolicyId === null ? 'the last in the list by restore-key-policy.' : `--restore ${previousPolicyId}`;
  return [
    '',
    paint('bold', changed ? paint('green', 'Restored') : 'Nothing to restore'),
    '',
    ...rows(
      [
        ['Key', keyArn],
        ['Policy', policyId],
      ],
      paint,
    ),
    '',
    ...differences(before, after, paint, {
      title: `Key policy of ${keyArn} (statements and lists sorted):`,
      same: `Key policy of ${keyArn}: unchanged, as it says all this already`,
    }),
    ...refusedRoles.flatMap(({ roleArn, name, message }) => [
      '',
      paint('yellow', 'A role that was onboarded still has not got the key'),
      ...rows(
        [
          ['Role', roleArn],
          ['Reason', `${name}: ${message}`],
          ['Remedy', 'Redrive its execution or send its request again, if it is to have the key.'],
        ],
        paint,
      ),
    ]),
    ...(changed ? ['', `To undo this, restore the one that was in force before: ${undo}`] : []),
    '',
  ].join('\n');
}

function factsOf(kept: Omit<PolicyBackup, 'policy'>): [string, string][] {
  return [
    ['Policy', kept.id],
    ['Kept', `${kept.keptAt}, ${occasionOf(kept)}`],
    ['Hash', kept.hash.slice(0, hashLength)],
  ];
}

function occasionOf({ by, eventId, overwritten }: Omit<PolicyBackup, 'policy'>): string {
  if (eventId !== undefined) return `as ${by} wrote it`;
  return overwritten === false ? `before ${by} was to write over it, and did not` : `before ${by} wrote over it`;
}

function changesText(changes: StatementChanges | null, until: string): string {
  if (changes === null) return 'the policy in force cannot be read';
  const parts = Object.entries({ added: changes.added, removed: changes.removed, changed: changes.changed })
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${count === 1 ? 'statement' : 'statements'} ${what}`);
  return `${parts.length === 0 ? 'no statement changed' : parts.join(', ')}, until ${until}`;
}

function differences(before: unknown, after: unknown, paint: Paint, words: { title: string; same: string }): string[] {
  if (before === undefined || after === undefined) return ['The policy in force cannot be read.'];
  const lines = diffKeyPolicies(before, after);
  return lines.length === 0 ? [words.same] : [words.title, ...lines.map((line) => diffLine(line, paint))];
}
