import { requestBoundMs } from '../aws/clients.ts';
import { KeyPolicyBusy, KeyPolicyFull, PrincipalNotVisible, type StepError } from '../errors.ts';
import { canonicalHash } from './canonical.ts';
import type { Grant } from './grants.ts';
import { ownStatements, policyOf, withGrants } from './key-policy.ts';
import { writeKeyPolicy } from './kms.ts';
import type { Lease, Written } from './lease.ts';
import { backUpPolicy } from './policy-backups.ts';
import type { KeyPolicy } from './policy-document.ts';
import type { Reconciler } from './reconciler.ts';

/** What the holder of a lease knows of the policy. */
export interface Leased {
  lease: Lease;
  /** Of the last write of ours. */
  written: Written | undefined;
  /** The policy that was kept to be written over, and whether that was done. */
  kept: { id: string; overwritten: boolean } | undefined;
}

/** What the registry wants of a key, beside the policy in force. */
export interface Wanted {
  /** Grants whose roles have the key. */
  settled: readonly Grant[];
  /** Grants whose roles do not have it yet. */
  candidates: readonly Grant[];
  /** The roles in our statements that the registry does not know, and that stay. */
  unknown: readonly string[];
  /** The patterns in our statements that none of these roles needs, and that stay. */
  keptPatterns: readonly string[];
  /** Whether the policy must be written even if it reads as it should. */
  mustWrite: boolean;
}

/** A policy while the holder of the lease changes it, and what has come of that so far. */
export interface Draft {
  readonly reconciler: Reconciler;
  readonly keyArn: string;
  /** The execution, or who else wants the change. */
  readonly by: string;
  readonly leased: Leased;
  /** The policy that was read, and the document that it was read from. */
  readonly inForce: KeyPolicy;
  readonly document: string;
  readonly wanted: Wanted;
  /** The policy whose foreign statements are written. */
  base: KeyPolicy;
  /** The last policy that was written; undefined while none was. */
  latest: KeyPolicy | undefined;
  /** Grants whose roles have the key. */
  readonly granted: Grant[];
  /** Grants that KMS refused, one by one, because it cannot see the role. */
  readonly unseen: Grant[];
  /** Why roles did not get the key, by role ARN. */
  readonly refusals: Map<string, StepError>;
}

export function newDraft({
  read,
  ...parts
}: Pick<Draft, 'reconciler' | 'keyArn' | 'by' | 'leased' | 'wanted'> & {
  read: { document: string; policy: KeyPolicy };
}): Draft {
  return {
    ...parts,
    inForce: read.policy,
    document: read.document,
    base: read.policy,
    latest: undefined,
    granted: [...parts.wanted.settled],
    unseen: [],
    refusals: new Map(),
  };
}

/** The roles that are to stand in our statements: those that stay, and those of the grants. */
export const rolesOf = ({ unknown }: Pick<Wanted, 'unknown'>, grants: readonly Grant[]): string[] => [
  ...unknown,
  ...grants.map(({ roleArn }) => roleArn),
];

/**
 * Writes the policy with these roles beside those that have the key, when it changes anything.
 * @returns why it cannot be; undefined when it is done
 * @throws KeyPolicyBusy when the lease is good for no further write, or the outcome of the write is not known
 * @throws KeyPolicyOrphan when a statement that is not ours names a deleted principal
 */
export async function tryGrants(draft: Draft, more: readonly Grant[]): Promise<StepError | undefined> {
  const { reconciler, wanted, granted } = draft;
  const roleArns = rolesOf(wanted, [...granted, ...more]);
  let next: KeyPolicy;
  try {
    next = withGrants(draft.base, roleArns, reconciler.access, policyOf(draft.keyArn), wanted.keptPatterns);
  } catch (error) {
    if (error instanceof KeyPolicyFull) return error;
    throw error;
  }
  const isDue = wanted.mustWrite && draft.latest === undefined;
  // Also an equal policy: to KMS a role that was made anew is not the one that the policy names by the same ARN.
  if (more.length > 0 || next !== draft.inForce || isDue) {
    const refusal = await write(draft, next, more);
    if (refusal !== undefined) return refusal;
  }
  granted.push(...more);
  return undefined;
}

/** Writes over the policy in force, which is backed up before. @returns why KMS refuses the new one */
async function write(draft: Draft, next: KeyPolicy, more: readonly Grant[]): Promise<PrincipalNotVisible | undefined> {
  const { reconciler, keyArn, leased, inForce } = draft;
  const { kmsOnce, registry, clock } = reconciler;
  leased.kept ??= {
    id: await backUpPolicy(registry, keyArn, {
      keptAt: new Date(clock.now()).toISOString(),
      hash: canonicalHash(inForce),
      policy: draft.document,
      by: draft.by,
      owner: leased.lease.owner,
    }),
    overwritten: false,
  };
  // Before the lease is looked at: in another account it is a call of its own, with tries of its own.
  await reconciler.prepareOnce();
  if (leased.lease.until - clock.now() < requestBoundMs) {
    throw new KeyPolicyBusy(`The policy of key ${keyArn} takes longer to change than its lease is good for`);
  }
  if ((await writeKeyPolicy(kmsOnce, keyArn, next)) === 'invalid principals') {
    // KMS does not say which: mostly it is what is new.
    const added = more.length === 0 ? '' : `, which adds ${more.map(({ roleArn }) => roleArn).join(', ')}`;
    return new PrincipalNotVisible(`KMS cannot see a principal of the new policy of key ${keyArn} yet${added}`);
  }
  draft.latest = next;
  leased.kept.overwritten = true;
  leased.written = { statementsHash: canonicalHash(ownStatements(next)), writtenAt: clock.now() };
  return undefined;
}

/**
 * Grants all of these roles that can be granted, the oldest first.
 * @param known why all of them together cannot, when that was tried
 */
export async function grantEach(draft: Draft, some: readonly Grant[], known?: StepError): Promise<void> {
  const refusal = known ?? (await tryGrants(draft, some));
  if (refusal === undefined) return;
  const [only, ...others] = some;
  if (only !== undefined && others.length === 0) {
    draft.refusals.set(only.roleArn, refusal);
    if (refusal instanceof PrincipalNotVisible) draft.unseen.push(only);
    return;
  }
  // What KMS cannot see is mostly what is newest: the others are soon written together, and each success is a write.
  const older = Math.floor(some.length * 0.75);
  await grantEach(draft, some.slice(0, older));
  await grantEach(draft, some.slice(older));
}
