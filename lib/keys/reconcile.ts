import { randomUUID } from 'node:crypto';
import { GetRoleCommand, type IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import type { KMSClient } from '@aws-sdk/client-kms';
import { requestBoundMs } from '../aws/clients.ts';
import { KeyPolicyBusy, KeyPolicyFull, KeyPolicyOrphan, PrincipalNotVisible, type StepError } from '../errors.ts';
import type { Registry } from '../subscribers/record.ts';
import { canonical, canonicalHash } from './canonical.ts';
import {
  type Grant,
  isWanted,
  type Lease,
  readGrants,
  releaseLease,
  settleGrant,
  takeLease,
  type Written,
} from './grants.ts';
import {
  foreignPrincipals,
  grantedRoles,
  isGranted,
  isSameElsewhere,
  type KeyAccess,
  type KeyPolicy,
  ownStatements,
  policyOf,
  withGrants,
} from './key-policy.ts';
import { isThrottling, PutOutcomeUnknown, readKeyPolicy, writeKeyPolicy } from './kms.ts';
import { backUpPolicy, markNotOverwritten } from './policy-backups.ts';

/** How long a holder that dies keeps the others waiting. */
export const leaseMs = 30_000;
/** A read may be older than a write that was made so long ago ("seconds, sometimes minutes": decision 14). */
export const staleMs = 60_000;
/** The pauses between reads that are too old. */
export const rereadMs = [100, 200, 400, 800] as const;
/** How many roles IAM is asked about at once. */
const rolesAtOnce = 10;

/** What the reconciler works with. */
export interface Reconciler {
  kms: KMSClient;
  /** A client that does not repeat calls: see writeKeyPolicy. */
  kmsOnce: KMSClient;
  iam: IAMClient;
  registry: Registry;
  access: KeyAccess;
  clock: {
    /** Milliseconds since the epoch. */
    now(): number;
    wait(milliseconds: number): Promise<void>;
  };
}

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
}

/** What the holder of a lease knows of the policy. */
interface Leased {
  lease: Lease;
  /** Of the last write of ours. */
  written: Written | undefined;
  /** The policy that was kept to be written over, and whether that was done. */
  kept: { id: string; overwritten: boolean } | undefined;
}

/**
 * Makes our statements in a key's policy say what the registry wants, for all of its grants at once. Only the holder of the
 * key's lease writes, as PutKeyPolicy would let one writer undo another's change unnoticed. A role that KMS does not take keeps
 * no other from its access.
 * @throws KeyPolicyBusy when somebody else has the lease, or KMS does not yet tell what was written
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
  const { kmsOnce, iam, registry, access, clock } = reconciler;
  const { document, policy: inForce, isProven } = await readFresh(reconciler, keyArn, leased.written);
  const restored = request.restored && !isSameElsewhere(request.restored, inForce) ? request.restored : undefined;
  let before = restored ?? inForce;
  const grants = await readGrants(registry, keyArn);
  const wanted = grants.filter(isWanted);
  const isSettled = ({ roleArn, state }: Grant) =>
    isGranted(inForce, roleArn, access) && (state === 'applied' || access.mode === 'role-pattern');
  const settled = wanted.filter(isSettled);
  const candidates = wanted.filter((grant) => !settled.includes(grant));
  // Of another deployment that shares the key, or from before the registry knew: not ours to take away unasked.
  const unknown = request.exact
    ? []
    : grantedRoles(inForce).filter((roleArn) => !grants.some((grant) => grant.roleArn === roleArn));

  const granted = [...settled];
  const refused: Grant[] = [];
  const refusals = new Map<string, StepError>();
  let latest: KeyPolicy | undefined;
  // A policy that reads without a role may be an older one, from before the role came: only one known to be the last is believed.
  const isLeaving = ({ state, expiresAt }: Grant) => state === 'withdrawn' && expiresAt === undefined;
  const mustWrite = grants.some(isLeaving) && access.mode === 'role-arns' && !isProven;

  /** Writes the policy with these roles beside those that have the key. @returns why it cannot be */
  async function attempt(more: readonly Grant[]): Promise<StepError | undefined> {
    const roleArns = [...unknown, ...[...granted, ...more].map(({ roleArn }) => roleArn)];
    let next: KeyPolicy;
    try {
      next = withGrants(before, roleArns, access, policyOf(keyArn));
    } catch (error) {
      if (error instanceof KeyPolicyFull) return error;
      throw error;
    }
    // Also an equal policy: to KMS a role that was made anew is not the one that the policy names by the same ARN.
    if (more.length > 0 || next !== inForce || (mustWrite && latest === undefined)) {
      leased.kept ??= {
        id: await backUpPolicy(registry, keyArn, {
          keptAt: new Date(clock.now()).toISOString(),
          hash: canonicalHash(inForce),
          policy: document,
          by: request.by,
          owner: leased.lease.owner,
        }),
        overwritten: false,
      };
      if (leased.lease.until - clock.now() < requestBoundMs) {
        throw new KeyPolicyBusy(`The policy of key ${keyArn} takes longer to change than its lease is good for`);
      }
      if ((await writeKeyPolicy(kmsOnce, keyArn, next)) === 'invalid principals') {
        return new PrincipalNotVisible(`KMS cannot see a principal of the new policy of key ${keyArn} yet`);
      }
      latest = next;
      leased.kept.overwritten = true;
      leased.written = { statementsHash: canonicalHash(ownStatements(next)), writtenAt: clock.now() };
    }
    granted.push(...more);
    return undefined;
  }

  /** Grants all of these roles that can be, the oldest first; `known` is why all of them at once cannot. */
  async function grantEach(some: readonly Grant[], known?: StepError): Promise<void> {
    const refusal = known ?? (await attempt(some));
    if (refusal === undefined) return;
    const [only, ...others] = some;
    if (only !== undefined && others.length === 0) {
      refusals.set(only.roleArn, refusal);
      if (refusal instanceof PrincipalNotVisible) refused.push(only);
      return;
    }
    // What KMS cannot see is mostly what is newest: the others are soon written at once, and each success is a write.
    const older = Math.floor(some.length * 0.75);
    await grantEach(some.slice(0, older));
    await grantEach(some.slice(older));
  }

  let interruption: KeyPolicyBusy | undefined;
  let refusal = await attempt(candidates);
  if (refusal !== undefined && restored !== undefined) {
    // KMS does not say whom it does not take: the roles come first, so that none pays for a principal of the restored policy.
    before = inForce;
    refusal = await attempt(candidates);
  }
  if (refusal !== undefined) {
    const made = await creationDates(iam, keyArn, candidates);
    for (const grant of candidates.filter((candidate) => !made.has(candidate))) {
      refusals.set(
        grant.roleArn,
        new PrincipalNotVisible(
          `IAM has no role ${grant.roleArn} with id ${grant.roleId}, which is to use key ${keyArn}`,
        ),
      );
      await settleGrant(registry, keyArn, { ...grant, state: 'orphaned' });
    }
    const living = [...made].sort(([, one], [, other]) => one - other).map(([grant]) => grant);
    const own = living.filter(({ roleArn }) => roleArn === request.roleArn);
    const isSuspected = own.some((grant) => grant.refused);
    const others = isSuspected ? own : living.filter((grant) => !grant.refused);
    try {
      // Also for nobody: the ids of deleted roles go, and whom the registry does not know when that is asked for.
      if (others.length === 0) await attempt([]);
      else await grantEach(others, others.length === candidates.length ? refusal : undefined);
    } catch (error) {
      // What was found out until here is not to be found out again, one write after the other.
      if (!(error instanceof KeyPolicyBusy) || error instanceof PutOutcomeUnknown) throw error;
      interruption = error;
    }
  }
  let unrestored: StepError | undefined;
  if (restored !== undefined && before === inForce && interruption === undefined) {
    before = restored;
    const reason = await attempt([]);
    unrestored = reason instanceof PrincipalNotVisible ? unseenPrincipal(keyArn, restored, inForce) : reason;
  }

  await Promise.all(
    refused.map((grant) => settleGrant(registry, keyArn, { ...grant, state: 'pending', refused: true })),
  );
  const written = latest;
  if (written !== undefined) {
    const isWritten = (policy: KeyPolicy) => canonical(policy) === canonical(written);
    if ((await readUntil(reconciler, keyArn, isWritten)) === undefined) {
      throw new KeyPolicyBusy(`The policy of key ${keyArn} does not read as it was written`);
    }
  }
  const news = granted.filter(({ state, refused: wasRefused }) => state !== 'applied' || wasRefused);
  await Promise.all(news.map((grant) => settleGrant(registry, keyArn, { ...grant, state: 'applied', refused: false })));
  const failure = interruption ?? unrestored;
  if (failure !== undefined) throw failure;
  return {
    changed: written !== undefined,
    previousPolicyId: leased.kept?.overwritten ? leased.kept.id : undefined,
    refusals,
    policy: written ?? inForce,
  };
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
