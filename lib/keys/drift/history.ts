import { KeyPolicyNotUnderstood } from '../../errors.ts';
import { parseJson } from '../../json.ts';
import { canonical, canonicalHash } from '../canonical.ts';
import { foreignStatements, ownStatements, parseKeyPolicy } from '../key-policy.ts';
import type { Written } from '../lease.ts';
import { leaseMs } from '../lease.ts';
import type { PolicyBackup } from '../policy-backups.ts';
import type { KeyPolicy } from '../policy-document.ts';
import { staleMs } from '../reconcile.ts';

/** What is known of how a key's policy was written lately. */
export interface History {
  /** Of our last write; undefined when there was none, or its writer died. */
  written: Written | undefined;
  /**
   * The policies that were kept, oldest first. Those with an event were written by hand; over the others one of ours wrote, unless
   * they are marked as not written over.
   */
  kept: readonly PolicyBackup[];
}

/** CloudTrail reports times in whole seconds. */
const second = 1_000;

/**
 * Whether this is the policy that was written last, as far as anybody knows: KMS may show an older one for a while.
 * @param policy undefined for one that is not understood
 * @param now milliseconds since the epoch
 */
export function isUpToDate(policy: KeyPolicy | undefined, { written, kept }: History, now: number): boolean {
  const edits = lastEdits(kept);
  const editedAt = timeOf(edits.at(-1));
  const writtenAt = written?.writtenAt ?? Number.NEGATIVE_INFINITY;
  // The last holder of the lease died with it, and may have written.
  if (written === undefined && timeOf(ourWrites(kept).at(-1)) + leaseMs + staleMs > now) return false;
  if (Math.max(editedAt + second, writtenAt) + staleMs <= now) return true;
  const isEdited =
    writtenAt <= editedAt + second &&
    edits.some((edit) => (policy === undefined ? understood(edit) === undefined : isOf(edit, policy)));
  const isWritten =
    writtenAt >= editedAt && policy !== undefined && canonicalHash(ownStatements(policy)) === written?.statementsHash;
  return isEdited || isWritten;
}

/**
 * What was undone of the last policy that was written by hand, because one of ours wrote after it what it had read before it:
 * the statements that are missing or different in the policy in force, and those that are back. Each by its Sid, or by its place
 * in the policy that it is from.
 *
 * Calls are reported late and in any order. So it takes all of this: one of ours may have written then or later; none that did had
 * read what was written by hand; and what is in force is what the last of them had read.
 */
export function lostStatements(policy: KeyPolicy, { written, kept }: History): string[] {
  const edits = lastEdits(kept);
  const edit = edits.at(-1);
  const writes = ourWrites(kept).filter((write) => timeOf(write) + leaseMs >= timeOf(edit));
  const last = writes.at(-1);
  if (edit === undefined || last === undefined) return [];
  if (written !== undefined && written.writtenAt < timeOf(edit)) return [];
  const inForce = foreignOf(policy);
  const read = writes.map(foreignOfBackup);
  const isRead = edits.some((other) => read.some((some) => isSame(some, foreignOfBackup(other))));
  if (isRead || !isSame(inForce, foreignOfBackup(last))) return [];
  const edited = foreignOfBackup(edit);
  return edited === undefined ? ['the whole policy'] : differences(edited, inForce);
}

/** A statement that is not ours. */
interface Foreign {
  sid: string | undefined;
  place: string;
  /** Its canonical form. */
  form: string;
}

function foreignOf(policy: KeyPolicy): Foreign[] {
  const foreign = foreignStatements(policy);
  return policy.Statement.flatMap((statement, index) =>
    foreign.includes(statement)
      ? [{ sid: statement.Sid, place: `Statement[${index}]`, form: canonical(statement) }]
      : [],
  );
}

/** Undefined for a policy that is not understood, in which a statement of ours may be somebody else's. */
function foreignOfBackup(kept: PolicyBackup): Foreign[] | undefined {
  const policy = understood(kept);
  return policy && foreignOf(policy);
}

function isSame(some: readonly Foreign[] | undefined, others: readonly Foreign[] | undefined): boolean {
  return some !== undefined && others !== undefined && differences(some, others).length === 0;
}

function differences(edited: readonly Foreign[], inForce: readonly Foreign[]): string[] {
  const without = (some: readonly Foreign[], others: readonly Foreign[]) =>
    some.filter(({ form }) => !others.some((other) => other.form === form));
  const names = [
    ...without(edited, inForce).map(({ sid, place }) => sid || place),
    ...without(inForce, edited).map(({ sid, place }) => sid || `${place} in force`),
  ];
  return [...new Set(names)];
}

/** The policies that were written by hand in the last second in which one was: nobody knows their order. */
function lastEdits(kept: readonly PolicyBackup[]): PolicyBackup[] {
  const edits = kept.filter(({ eventId }) => eventId !== undefined);
  return edits.filter(({ keptAt }) => keptAt === edits.at(-1)?.keptAt);
}

function ourWrites(kept: readonly PolicyBackup[]): PolicyBackup[] {
  return kept.filter(({ eventId, overwritten }) => eventId === undefined && overwritten !== false);
}

function timeOf(kept: PolicyBackup | undefined): number {
  return kept === undefined ? Number.NEGATIVE_INFINITY : Date.parse(kept.keptAt);
}

function isOf(kept: PolicyBackup, policy: KeyPolicy): boolean {
  return canonical(parseJson(kept.policy)) === canonical(policy);
}

function understood(kept: PolicyBackup): KeyPolicy | undefined {
  try {
    return parseKeyPolicy(kept.policy);
  } catch (error) {
    if (error instanceof KeyPolicyNotUnderstood) return undefined;
    throw error;
  }
}
