import { randomUUID } from 'node:crypto';
import { GetRoleCommand, type IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import { KeyPolicyBusy, KeyPolicyOrphan, PrincipalNotVisible, type StepError } from '../errors.ts';
import type { Registry } from '../registry/table.ts';
import { canonical, canonicalHash } from './canonical.ts';
import { type Grant, isWanted, readGrants, settleGrant } from './grants.ts';
import {
  foreignPrincipals,
  grantedRoles,
  isGranted,
  isSameElsewhere,
  type KeyAccess,
  ownStatements,
  policyOf,
  unneededPatterns,
  withGrants,
} from './key-policy.ts';
import { exclusiveTag, isThrottling, PutOutcomeUnknown, readKeyPolicy, readKeyTags } from './kms.ts';
import { type Lease, leaseMs, releaseLease, takeLease, type Written } from './lease.ts';
import { markNotOverwritten } from './policy-backups.ts';
import type { KeyPolicy } from './policy-document.ts';
import type { Reconciler } from './reconciler.ts';
import { type Draft, grantEach, type Leased, newDraft, rolesOf, tryGrants, type Wanted } from './try-grants.ts';

/** A read may be older than a write that was made so long ago ("seconds, sometimes minutes": decision 14). */
export const staleMs = 60_000;

/** The pauses between reads that are too old. */
export const rereadMs = [100, 200, 400, 800] as const;

/** How many roles are read from IAM at the same time. */
const rolesAtOnce = 10;

interface ReconcileRequest {
  /** The execution, or who else wants it; kept with the policy that is written over. */
  by: string;
  /** The role of the step that asks: others' roles that KMS refused before are then left to their own steps. */
  roleArn?: string;
  /** The policy whose foreign statements are to hold; default: the one in force. */
  restored?: KeyPolicy;
  /** Whether roles in our statements that the registry does not know lose the key. */
  exact?: boolean;
}

/** What came of it. */
export interface Reconciled {
  /** Whether the policy was written. */
  changed: boolean;
  /** The id under which the policy that was written over is kept; undefined when none was. */
  previousPolicyId: string | undefined;
  /** Why roles that are wanted did not get the key, by role ARN. */
  refusals: ReadonlyMap<string, StepError>;
  /** The policy that is in force then. */
  policy: KeyPolicy;
  /** The patterns of roles that stay in it though no role of the registry needs them: they may be another deployment's. */
  keptPatterns: readonly string[];
}

/**
 * Makes our statements in a key's policy say what the registry wants, for all of its grants together. Only the holder of the
 * key's lease writes, as PutKeyPolicy would let one writer undo another's change unnoticed. A role that KMS does not take keeps
 * no other from its access.
 * @throws KeyPolicyBusy when somebody else has the lease, KMS does not yet return what was written, or too little of the
 * function's time is left
 * @throws KeyPolicyOrphan when a statement that is not ours names a deleted principal
 * @throws KeyPolicyFull when there is no room for the policy to be restored, though it would grant nobody else the key
 * @throws KeyPolicyNotUnderstood, KeyNotUsable
 */
export async function reconcileKeyPolicy(
  reconciler: Reconciler,
  keyArn: string,
  request: ReconcileRequest,
): Promise<Reconciled> {
  const { registry, clock } = reconciler;
  // A function that ends with the lease would keep all others from the key.
  if (reconciler.remainingMs() < leaseMs) {
    throw new KeyPolicyBusy(`Too little of the function's time is left to change the policy of key ${keyArn}`);
  }
  const lease: Lease = { owner: randomUUID(), until: clock.now() + leaseMs };
  const taken = await takeLease(registry, keyArn, lease, clock.now());
  if (taken === undefined) throw new KeyPolicyBusy(`The policy of key ${keyArn} is being changed by another execution`);
  const leased: Leased = { lease, written: taken.written, kept: undefined };
  try {
    const reconciled = await reconcileLeased(reconciler, keyArn, request, leased);
    await release(registry, keyArn, leased);
    return reconciled;
  } catch (error) {
    // What may still arrive must not meet what another holder writes: the lease runs out by itself.
    if (!(error instanceof PutOutcomeUnknown)) await release(registry, keyArn, leased);
    throw error;
  }
}

/** Gives the lease back, when it is known whether the policy was written. */
async function release(registry: Registry, keyArn: string, { lease, written, kept }: Leased): Promise<void> {
  if (kept?.overwritten === false) await markNotOverwritten(registry, keyArn, kept.id);
  await releaseLease(registry, keyArn, lease, written);
}

async function reconcileLeased(
  reconciler: Reconciler,
  keyArn: string,
  request: ReconcileRequest,
  leased: Leased,
): Promise<Reconciled> {
  const { registry, access } = reconciler;
  const read = await readFresh(reconciler, keyArn, leased.written);
  const inForce = read.policy;
  const grants = await readGrants(registry, keyArn);
  const keptPatterns = await keptPatternsOf(reconciler, keyArn, inForce, grants);
  const wanted = { ...wantedOf(grants, read, { access, exact: request.exact === true }), keptPatterns };
  const restored = request.restored && !isSameElsewhere(request.restored, inForce) ? request.restored : undefined;
  const draft = newDraft({ reconciler, keyArn, by: request.by, leased, read, wanted });

  const failure = await grantCandidates(draft, wanted.candidates, { restored, roleArn: request.roleArn });

  await Promise.all(
    draft.unseen.map((grant) => settleGrant(registry, keyArn, { ...grant, state: 'pending', refused: true })),
  );
  await requireReadable(reconciler, keyArn, draft.latest);
  const news = draft.granted.filter(({ state, refused }) => state !== 'applied' || refused);
  await Promise.all(news.map((grant) => settleGrant(registry, keyArn, { ...grant, state: 'applied', refused: false })));
  if (failure !== undefined) throw failure;
  return {
    changed: draft.latest !== undefined,
    previousPolicyId: leased.kept?.overwritten ? leased.kept.id : undefined,
    refusals: draft.refusals,
    policy: draft.latest ?? inForce,
    keptPatterns,
  };
}

/**
 * The patterns in force that stay. A pattern names no role, so nobody can know whose roles it lets in: only a deployment that has the
 * key for itself takes one away, also in a repair and when its roles come to stand by their ARNs. What the policy reads is believed, as
 * for roles that the registry does not know.
 */
async function keptPatternsOf(
  { kms, access, deployment }: Pick<Reconciler, 'kms' | 'access' | 'deployment'>,
  keyArn: string,
  policy: KeyPolicy,
  grants: readonly Grant[],
): Promise<readonly string[]> {
  const wanted = grants.filter(isWanted).map(({ roleArn }) => roleArn);
  const patterns = unneededPatterns(policy, wanted, access);
  if (patterns.length === 0) return [];
  const isExclusive = (await readKeyTags(kms, keyArn)).get(exclusiveTag) === deployment;
  return isExclusive ? [] : patterns;
}

/**
 * The policy that a reconciliation is to write when these are the registry's grants, and KMS takes all of their roles.
 * @param policy the one in force
 * @throws KeyPolicyOrphan, KeyPolicyFull
 */
export async function policyToBe(
  reconciler: Pick<Reconciler, 'kms' | 'access' | 'deployment'>,
  keyArn: string,
  policy: KeyPolicy,
  grants: readonly Grant[],
): Promise<KeyPolicy> {
  const keptPatterns = await keptPatternsOf(reconciler, keyArn, policy, grants);
  const options = { access: reconciler.access, exact: false };
  const { settled, candidates, unknown } = wantedOf(grants, { policy, isProven: false }, options);
  const roleArns = rolesOf({ unknown }, [...settled, ...candidates]);
  return withGrants(policy, roleArns, reconciler.access, policyOf(keyArn), keptPatterns);
}

/** What the registry's grants ask of a policy that reads like this. */
function wantedOf(
  grants: readonly Grant[],
  { policy, isProven }: { policy: KeyPolicy; isProven: boolean },
  { access, exact }: { access: KeyAccess; exact: boolean },
): Omit<Wanted, 'keptPatterns'> {
  const wanted = grants.filter(isWanted);
  const settled = wanted.filter(
    ({ roleArn, state }) =>
      isGranted(policy, roleArn, access) && (state === 'applied' || access.mode === 'role-pattern'),
  );
  const isKnown = (roleArn: string) => grants.some((grant) => grant.roleArn === roleArn);
  // A policy that reads without a role may be an older one, from before the role came: only one known to be the last is believed.
  const isLeaving = ({ state, expiresAt }: Grant) => state === 'withdrawn' && expiresAt === undefined;
  return {
    settled,
    candidates: wanted.filter((grant) => !settled.includes(grant)),
    // Of another deployment that shares the key, or from before the registry knew: not ours to take away unasked.
    unknown: exact ? [] : grantedRoles(policy).filter((roleArn) => !isKnown(roleArn)),
    mustWrite: grants.some(isLeaving) && access.mode === 'role-arns' && !isProven,
  };
}

/**
 * Grants the candidates, and restores a policy's foreign statements where that is asked for.
 * @returns why the whole of it could not be done, after which what was done still counts
 * @throws KeyPolicyBusy when the outcome of a write is not known
 */
async function grantCandidates(
  draft: Draft,
  candidates: readonly Grant[],
  { restored, roleArn }: { restored: KeyPolicy | undefined; roleArn: string | undefined },
): Promise<StepError | undefined> {
  if (restored !== undefined) draft.base = restored;
  let refusal = await tryGrants(draft, candidates);
  if (refusal !== undefined && restored !== undefined) {
    // KMS does not say whom it does not take: the roles come first, so that none pays for a principal of the restored policy.
    draft.base = draft.inForce;
    refusal = await tryGrants(draft, candidates);
  }
  if (refusal !== undefined) {
    try {
      await grantLiving(draft, candidates, { roleArn, refusal });
    } catch (error) {
      // What was found out until here is not to be found out again, one write after the other.
      if (error instanceof KeyPolicyBusy && !(error instanceof PutOutcomeUnknown)) return error;
      throw error;
    }
  }
  if (restored === undefined || draft.base === restored) return undefined;
  draft.base = restored;
  const reason = await tryGrants(draft, []);
  return reason instanceof PrincipalNotVisible ? unseenPrincipal(draft.keyArn, restored, draft.inForce) : reason;
}

/** Grants what can be granted of candidates that were refused together: roles that are gone are left out for good. */
async function grantLiving(
  draft: Draft,
  candidates: readonly Grant[],
  { roleArn, refusal }: { roleArn: string | undefined; refusal: StepError },
): Promise<void> {
  const { reconciler, keyArn } = draft;
  const made = await creationDates(reconciler.iam, keyArn, candidates);
  for (const grant of candidates.filter((candidate) => !made.has(candidate))) {
    const reason = new PrincipalNotVisible(
      `IAM has no role ${grant.roleArn} with id ${grant.roleId}, which is to use key ${keyArn}`,
    );
    draft.refusals.set(grant.roleArn, reason);
    await settleGrant(reconciler.registry, keyArn, { ...grant, state: 'orphaned' });
  }
  const living = [...made].sort(([, one], [, other]) => one - other).map(([grant]) => grant);
  const own = living.filter((grant) => grant.roleArn === roleArn);
  const isSuspected = own.some((grant) => grant.refused);
  const others = isSuspected ? own : living.filter((grant) => !grant.refused);
  // Also for nobody: the ids of deleted roles go, and roles that the registry does not know when that is asked for.
  if (others.length === 0) await tryGrants(draft, []);
  else await grantEach(draft, others, others.length === candidates.length ? refusal : undefined);
}

/** @throws KeyPolicyBusy when the policy does not read as it was written; nothing was written: nothing to read */
async function requireReadable(reconciler: Reconciler, keyArn: string, written: KeyPolicy | undefined): Promise<void> {
  if (written === undefined) return;
  const isWritten = (policy: KeyPolicy) => canonical(policy) === canonical(written);
  if ((await readUntil(reconciler, keyArn, isWritten)) !== undefined) return;
  throw new KeyPolicyBusy(`The policy of key ${keyArn} does not read as it was written`);
}

/** KMS does not say which one it is, but it is none that the policy in force names, where a deleted one is only an id. */
function unseenPrincipal(keyArn: string, restored: KeyPolicy, inForce: KeyPolicy): KeyPolicyOrphan {
  const seen = foreignPrincipals(inForce);
  const unseen = new Set(foreignPrincipals(restored).filter((principal) => !seen.includes(principal)));
  return new KeyPolicyOrphan(
    `The policy to be restored of key ${keyArn} names a principal that KMS does not know, or not any more: ${[...unseen].join(', ')}`,
  );
}

/**
 * A policy that is not older than the last one written by us, as far as that can be known; `isProven` when it is.
 * @throws KeyPolicyBusy
 */
async function readFresh(reconciler: Reconciler, keyArn: string, written: Written | undefined) {
  if (written === undefined || written.writtenAt + staleMs < reconciler.clock.now()) {
    return { ...(await readKeyPolicy(reconciler.kms, keyArn)), isProven: false };
  }
  const isFresh = (policy: KeyPolicy) => canonicalHash(ownStatements(policy)) === written.statementsHash;
  const read = await readUntil(reconciler, keyArn, isFresh);
  if (read === undefined) throw new KeyPolicyBusy(`The policy of key ${keyArn} does not read as it was last written`);
  return { ...read, isProven: true };
}

async function readUntil({ kms, clock }: Reconciler, keyArn: string, isRight: (policy: KeyPolicy) => boolean) {
  for (const pause of [0, ...rereadMs]) {
    if (pause > 0) await clock.wait(pause);
    const read = await readKeyPolicy(kms, keyArn);
    if (isRight(read.policy)) return read;
  }
  return undefined;
}

/**
 * When the roles of these grants were made, in milliseconds since the epoch; those that are gone, or were made anew, are left out.
 * @throws KeyPolicyBusy when IAM is asked too often
 */
async function creationDates(iam: IAMClient, keyArn: string, grants: readonly Grant[]): Promise<Map<Grant, number>> {
  const dates = new Map<Grant, number>();
  for (let start = 0; start < grants.length; start += rolesAtOnce) {
    await Promise.all(
      grants.slice(start, start + rolesAtOnce).map(async (grant) => {
        const date = await creationDate(iam, keyArn, grant);
        if (date !== undefined) dates.set(grant, date);
      }),
    );
  }
  return dates;
}

async function creationDate(iam: IAMClient, keyArn: string, { roleArn, roleId }: Grant): Promise<number | undefined> {
  try {
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: roleArn.slice(roleArn.lastIndexOf('/') + 1) }));
    return Role?.RoleId === roleId ? (Role.CreateDate?.getTime() ?? 0) : undefined;
  } catch (error) {
    if (error instanceof NoSuchEntityException) return undefined;
    throw isThrottling(error)
      ? new KeyPolicyBusy(`IAM was asked too often about the roles that are to use key ${keyArn}`)
      : error;
  }
}
