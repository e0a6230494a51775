import { KeyPolicyBusy } from '../../errors.ts';
import { type Grant, readGrants } from '../grants.ts';
import { readKeyPolicy } from '../kms.ts';
import { leaseMs, readLease } from '../lease.ts';
import { readPolicyBackups } from '../policy-backups.ts';
import type { KeyPolicy } from '../policy-document.ts';
import { rereadMs, staleMs } from '../reconcile.ts';
import type { Reconciler } from '../reconciler.ts';
import { type Drift, driftOf, noDrift } from './drift.ts';
import { type History, isUpToDate, lostStatements } from './history.ts';

/** Two looks of the drift's schedule: what was undone unseen after an edit was looked at is found, though a look may fail. */
export const lookBackMs = 2 * 60 * 60_000;

/** What a key is looked at with. */
export type Looker = Pick<Reconciler, 'kms' | 'registry' | 'access' | 'clock'>;

type Lease = Awaited<ReturnType<typeof readLease>>;

/** A key as it was found. */
export interface Look {
  grants: readonly Grant[];
  /** Whether the key's policy was ever written, or is about to be. */
  isLeased: boolean;
  /** Undefined when the key is gone, or the policy cannot be read. */
  policy: KeyPolicy | undefined;
  /** Undefined when the key is gone, and while it is not known. */
  drift: Drift | undefined;
  /** Why it is not known: one of ours is about to write, or KMS does not return the last policy yet. */
  busy?: string;
}

/**
 * Looks at a key's policy and what the registry wants of it, from reads between which nobody of ours wrote.
 * @param since from when on edits and writes count; milliseconds since the epoch
 * @param lease what the key's lease says, if that has just been read
 * @throws KeyPolicyBusy when KMS is asked too often
 */
export async function lookAtKey(keyArn: string, since: number, looker: Looker, lease?: Lease): Promise<Look> {
  const { registry, access, clock } = looker;
  const before = lease ?? (await readLease(registry, keyArn));
  const from = new Date(since - leaseMs - staleMs).toISOString();
  const [grants, kept] = await Promise.all([
    readGrants(registry, keyArn),
    readPolicyBackups(registry, keyArn, from, clock.now()),
  ]);
  const history: History = { written: before?.written, kept };
  const { read, isOld } = await readUpToDate(keyArn, looker, history);
  const after = await readLease(registry, keyArn);
  const policy = read !== undefined && 'policy' in read ? read.policy : undefined;
  const look = { grants, isLeased: before !== undefined || after !== undefined, policy };
  const isHeld = after?.leasedUntil !== undefined && after.leasedUntil >= clock.now();
  const isWritten = JSON.stringify(before?.written) !== JSON.stringify(after?.written);
  const unknown = { ...look, drift: undefined };
  if (isOld) return { ...unknown, busy: `The policy of key ${keyArn} does not read as it was last written` };
  if (isHeld || isWritten) return { ...unknown, busy: `The policy of key ${keyArn} is being changed` };
  if (read === undefined) return unknown;
  if ('reason' in read) return { ...look, drift: { ...noDrift, reason: read.reason } };
  const lost = lostStatements(read.policy, history);
  return { ...look, drift: { ...driftOf(read.policy, grants, access), lostStatements: lost } };
}

async function readUpToDate(keyArn: string, { kms, clock }: Looker, history: History) {
  let read: Awaited<ReturnType<typeof readOrReason>>;
  for (const pause of [0, ...rereadMs]) {
    if (pause > 0) await clock.wait(pause);
    read = await readOrReason(kms, keyArn);
    const policy = read !== undefined && 'policy' in read ? read.policy : undefined;
    if (read === undefined || isUpToDate(policy, history, clock.now())) return { read, isOld: false };
  }
  return { read, isOld: true };
}

/** The key's policy, or why the deployment can do nothing with it; undefined when the key is gone. */
async function readOrReason(
  kms: Looker['kms'],
  keyArn: string,
): Promise<{ policy: KeyPolicy } | { reason: NonNullable<Drift['reason']> } | undefined> {
  try {
    return await readKeyPolicy(kms, keyArn);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error.name === 'NotFoundException') return undefined;
    // A policy that gives nothing to the account any more, or a key that lost its tag, is denied to us; so is an account.
    if (!['KeyPolicyNotUnderstood', 'AccessDeniedException', 'AccountNotAccessible'].includes(error.name)) throw error;
    return { reason: { name: error.name, message: error.message } };
  }
}

/** @throws KeyPolicyBusy when the drift of a look is not known */
export function requireSettled({ busy }: Look): void {
  if (busy !== undefined) throw new KeyPolicyBusy(busy);
}
