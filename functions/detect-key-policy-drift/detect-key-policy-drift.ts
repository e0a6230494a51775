import type { Logger } from '@aws-lambda-powertools/logger';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { problemsOfEach, throwTogether } from '../../lib/each.ts';
import { KeyPolicyBusy } from '../../lib/errors.ts';
import { parseJson } from '../../lib/json.ts';
import { canonicalHash } from '../../lib/keys/canonical.ts';
import { readGrants } from '../../lib/keys/grants.ts';
import { readKeyPolicy } from '../../lib/keys/kms.ts';
import { isKnownKey, knownKeys } from '../../lib/keys/known-keys.ts';
import { leaseMs, readLease } from '../../lib/keys/lease.ts';
import { backUpPolicy, readPolicyBackups } from '../../lib/keys/policy-backups.ts';
import type { KeyPolicy } from '../../lib/keys/policy-document.ts';
import { reconcileKeyPolicy, rereadMs, staleMs } from '../../lib/keys/reconcile.ts';
import type { Reconciler } from '../../lib/keys/reconciler.ts';
import { type EventDetail, publishEvent } from '../../lib/subscribers/events.ts';
import { type Drift, driftOf, isDrift, isRepairable, noDrift, shortened } from './drift.ts';
import { type History, isUpToDate, lostStatements } from './history.ts';
import type { Edit } from './trigger.ts';

/** Who repairs, as it is kept with the policy that is written over. */
const by = 'detect-key-policy-drift';
/** The pauses before a repair is tried again: longer than an edit is taken for an old policy of ours that KMS still returns. */
const busyMs = [5_000, 20_000, 40_000] as const;
/** Two looks of the schedule: what was undone unseen after an edit was looked at is found, though a look may fail. */
const lookBackMs = 2 * 60 * 60_000;

export interface Detector extends Pick<Reconciler, 'registry'> {
  /** What a key is read and repaired with: keys may lie in another account or Region than the function. */
  reconcilerOf: (keyArn: string) => Reconciler;
  events: EventBridgeClient;
  /** The ARNs of the roles whose writes are the deployment's own. */
  writers: readonly string[];
  /** Whether drift is repaired. */
  repairs: boolean;
  logger: Pick<Logger, 'info' | 'warn'>;
  /** Adds a key that drifted to the metric. */
  count: () => void;
}

/**
 * Reports where a key's policy is not as the registry wants it: of all keys that the registry knows or, when somebody else wrote
 * the policy of one, of that one. What was written by hand is kept first, so that it can be restored whatever becomes of it.
 * @throws KeyPolicyBusy when it is not known yet what became of a policy written by hand
 * @throws AggregateError of what went wrong with single keys, when all have been looked at
 */
export async function detectKeyPolicyDrift(edit: Edit | undefined, detector: Detector): Promise<void> {
  if (edit === undefined) return lookAtAll(detector);
  const { registry, writers, logger } = detector;
  const isOwn = edit.roleArn !== undefined && writers.includes(edit.roleArn);
  if (isOwn || !(await isKnownKey(registry, edit.keyArn))) return;
  logger.info('key policy written by hand', { keyArn: edit.keyArn, by: edit.by });
  await keepEdit(edit, detector);
  await look(edit.keyArn, detector, edit);
}

async function lookAtAll(detector: Detector): Promise<void> {
  const problems = await problemsOfEach(knownKeys(detector.registry), (keyArn) =>
    look(keyArn, detector).catch((error: unknown) => {
      if (!(error instanceof KeyPolicyBusy)) throw error;
      // The writer makes it as it is to be, and the next check is soon.
      detector.logger.info('key policy not looked at', { reason: error.message });
    }),
  );
  throwTogether(problems, 'keys could not be looked at');
}

async function keepEdit({ keyArn, policy, at, by: principal, eventId }: Edit, { registry }: Detector): Promise<void> {
  await backUpPolicy(registry, keyArn, {
    keptAt: new Date(at).toISOString(),
    hash: canonicalHash(parseJson(policy) ?? policy),
    policy,
    by: principal,
    eventId,
    // The same event again is kept in the same place.
    owner: eventId,
  });
}

async function look(keyArn: string, detector: Detector, edit?: Edit): Promise<void> {
  const { logger, events, count } = detector;
  const reconciler = detector.reconcilerOf(keyArn);
  const since = (edit?.at ?? reconciler.clock.now() - lookBackMs) - leaseMs - staleMs;
  const drift = await driftSince(since, keyArn, reconciler);
  if (drift === undefined) return logger.warn('key is gone', { keyArn });
  if (!isDrift(drift)) return;
  count();
  const repaired = detector.repairs && isRepairable(drift) ? await repair(keyArn, reconciler, logger) : 'no';
  const detail: EventDetail<'KeyPolicyDrift'> = { keyArn, ...shortened(drift), repaired, by: edit?.by ?? null };
  logger.warn('key policy drifted', detail);
  await publishEvent(events, { detailType: 'KeyPolicyDrift', detail });
}

/**
 * The drift of a key, from reads between which nobody of ours wrote.
 * @returns undefined when KMS has no such key any more
 * @throws KeyPolicyBusy when one of ours is about to write, or KMS does not return the last policy yet
 */
async function driftSince(since: number, keyArn: string, reconciler: Reconciler): Promise<Drift | undefined> {
  const { registry, access, clock } = reconciler;
  const before = await readLease(registry, keyArn);
  const grants = await readGrants(registry, keyArn);
  const kept = await readPolicyBackups(registry, keyArn, new Date(since).toISOString());
  const history: History = { written: before?.written, kept };
  const read = await readUpToDate(keyArn, reconciler, history);
  const after = await readLease(registry, keyArn);
  const isHeld = after?.leasedUntil !== undefined && after.leasedUntil >= clock.now();
  const isWritten = JSON.stringify(before?.written) !== JSON.stringify(after?.written);
  if (isHeld || isWritten) {
    throw new KeyPolicyBusy(`The policy of key ${keyArn} is being changed`);
  }
  if (read === undefined) return undefined;
  if ('reason' in read) return { ...noDrift, reason: read.reason };
  return { ...driftOf(read.policy, grants, access), lostStatements: lostStatements(read.policy, history) };
}

async function readUpToDate(keyArn: string, { kms, clock }: Reconciler, history: History) {
  for (const pause of [0, ...rereadMs]) {
    if (pause > 0) await clock.wait(pause);
    const read = await readOrReason(kms, keyArn);
    if (read === undefined || isUpToDate('policy' in read ? read.policy : undefined, history, clock.now())) return read;
  }
  throw new KeyPolicyBusy(`The policy of key ${keyArn} does not read as it was last written`);
}

/** The key's policy, or why the deployment can do nothing with it; undefined when the key is gone. */
async function readOrReason(
  kms: Reconciler['kms'],
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

/** What came of a repair: `partly` when some roles did not get the key, or a pattern stays. */
async function repair(
  keyArn: string,
  reconciler: Reconciler,
  logger: Detector['logger'],
): Promise<'yes' | 'partly' | 'failed'> {
  try {
    const { refusals, keptPatterns } = await whenNotBusy(reconciler, () =>
      reconcileKeyPolicy(reconciler, keyArn, { by, exact: true }),
    );
    for (const [roleArn, { name, message }] of refusals) {
      logger.warn('role does not get the key', { keyArn, roleArn, errorName: name, errorMessage: message });
    }
    if (keptPatterns.length > 0)
      logger.warn('patterns of roles stay, because the key may be shared', { keyArn, keptPatterns });
    return refusals.size === 0 && keptPatterns.length === 0 ? 'yes' : 'partly';
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Not thrown: the next scheduled check tries again, and what is known now is to be reported.
    logger.warn('key policy not repaired', { keyArn, errorName: error.name, errorMessage: error.message });
    return 'failed';
  }
}

async function whenNotBusy<Result>({ clock }: Reconciler, work: () => Promise<Result>): Promise<Result> {
  for (const pause of busyMs) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof KeyPolicyBusy)) throw error;
      await clock.wait(pause);
    }
  }
  return work();
}
