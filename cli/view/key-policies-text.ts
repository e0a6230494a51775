import { diffKeyPolicies } from '../../lib/key-policy-diff.ts';
import type { PolicyBackup } from '../../lib/keys/policy-backups.ts';
import type { StatementChanges } from '../aws/policy-backup.ts';
import { type Fact, rows } from './rows.ts';
import { diffLine } from './summary.ts';
import { type Layout, type Paint, printable } from './terminal.ts';

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
  /** The key's policy before and after; undefined where KMS did not return it. */
  before: unknown;
  after: unknown;
}

const hashLength = 12;

/** The kept policies of a key, the oldest first. */
export function listText(keyArn: string, policies: readonly BackupListing[], layout: Layout): string {
  if (policies.length === 0) {
    return `No policy of ${keyArn} is kept: this deployment has not written over one.\n`;
  }
  const count = policies.length === 1 ? '1 policy' : `${policies.length} policies`;
  return [
    layout.paint('bold', `${count} kept of ${keyArn}, oldest first`),
    ...policies.flatMap((policy, index) => {
      const other = index + 1 < policies.length ? 'the next kept policy' : 'the policy in force';
      return ['', ...rows([...factsOf(policy), ['Changes', changesText(policy.changes, other)]], layout)];
    }),
    '',
    'Changes count what is different in the later policy; they include manual edits.',
    'To see a policy and how it differs from the policy in force, add --show <id>; to restore it, --restore <id>.',
    '',
  ].join('\n');
}

/** One kept policy, and how it differs from the one in force. */
export function showText(
  keyArn: string,
  kept: Omit<PolicyBackup, 'policy'> & { policy: unknown },
  inForce: unknown,
  layout: Layout,
): string {
  const document = typeof kept.policy === 'string' ? kept.policy : JSON.stringify(kept.policy, undefined, 2);
  return [
    layout.paint('bold', `Kept policy of ${keyArn}`),
    '',
    ...rows(factsOf(kept), layout),
    '',
    printable(document),
    '',
    ...differences(inForce, kept.policy, layout.paint, {
      title: 'Compared with the policy in force (+ only here, - only in force; statements and lists sorted):',
      same: 'The policy in force is the same.',
    }),
    '',
    "A restore brings back all statements but the onboarding's own, which stay as the registry has them.",
    '',
  ].join('\n');
}

/** What a restore changed. */
export function restoredText(
  { keyArn, policyId, changed, previousPolicyId, refusedRoles, before, after }: Restoration,
  layout: Layout,
): string {
  const { paint } = layout;
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
      layout,
    ),
    '',
    ...differences(before, after, paint, {
      title: `Key policy of ${keyArn} (statements and lists sorted):`,
      same: `Key policy of ${keyArn}: unchanged (already up to date)`,
    }),
    ...refusedRoles.flatMap(({ roleArn, name, message }) => [
      '',
      paint('yellow', 'A role of an onboarded subscriber still has no access to the key'),
      ...rows(
        [
          ['Role', roleArn],
          ['Reason', `${name}: ${message}`],
          ['Remedy', 'If it needs the key, redrive its execution or send its request again.'],
        ],
        layout,
      ),
    ]),
    ...(changed ? ['', `To undo this, restore the policy that was in force before: ${undo}`] : []),
    '',
  ].join('\n');
}

function factsOf(kept: Omit<PolicyBackup, 'policy'>): Fact[] {
  return [
    ['Policy', kept.id],
    ['Kept', `${kept.keptAt}, ${occasionOf(kept)}`],
    ['Hash', kept.hash.slice(0, hashLength)],
  ];
}

function occasionOf({ by, eventId, overwritten }: Omit<PolicyBackup, 'policy'>): string {
  if (eventId !== undefined) return `as ${by} wrote it`;
  return overwritten === false ? `before ${by} intended to write over it, but did not` : `before ${by} wrote over it`;
}

function changesText(changes: StatementChanges | null, other: string): string {
  if (changes === null) return 'the policy in force cannot be read';
  const parts = Object.entries({ '+': changes.added, '-': changes.removed, '~': changes.changed })
    .filter(([, count]) => count > 0)
    .map(([sign, count]) => `${sign}${count} ${count === 1 ? 'statement' : 'statements'}`);
  return `${parts.length === 0 ? 'no difference' : parts.join(', ')} compared with ${other}`;
}

function differences(before: unknown, after: unknown, paint: Paint, words: { title: string; same: string }): string[] {
  if (before === undefined || after === undefined) return ['The policy in force cannot be read.'];
  const lines = diffKeyPolicies(before, after);
  return lines.length === 0 ? [words.same] : [words.title, ...lines.map((line) => diffLine(line, paint))];
}
