import type { Logger } from '@aws-lambda-powertools/logger';
import { problemsOfEach, throwTogether } from '../../lib/each.ts';
import { KeyPolicyBusy } from '../../lib/errors.ts';
import { parseJson } from '../../lib/json.ts';
import { canonicalHash } from '../../lib/keys/canonical.ts';
import { isDrift, isRepairable } from '../../lib/keys/drift/drift.ts';
import { endOldBackups } from '../../lib/keys/drift/end-backups.ts';
import { lookAtKey, lookBackMs, requireSettled } from '../../lib/keys/drift/look.ts';
import { isKnownKey, knownKeysAfter } from '../../lib/keys/known-keys.ts';
import { backUpPolicy } from '../../lib/keys/policy-backups.ts';
import { maxBytes, size } from '../../lib/keys/policy-document.ts';
import { reconcileKeyPolicy } from '../../lib/keys/reconcile.ts';
import type { Reconciler } from '../../lib/keys/reconciler.ts';
import type { EmitMetric } from '../../lib/metrics.ts';
import { workInSlices } from '../../lib/registry/slices.ts';
import type { EventDetail } from '../../lib/subscribers/event-schemas.ts';
import { type EventBus, publishDrift } from '../../lib/subscribers/events.ts';
import { listUnlisted } from './list-unlisted.ts';
import { shortened } from './shortened.ts';
import type { Edit, Occasion } from './trigger.ts';

/** Who repairs, as it is kept with the policy that is written over. */
const by = 'detect-key-policy-drift';
/** The pauses before a repair is tried again: longer than an edit is taken for an old policy of ours that KMS still returns. */
const busyMs = [5_000, 20_000, 40_000] as const;

/**
 * How many keys are looked at at the same time. A look takes fractions of a second, and a repair minutes: some that are repaired leave the others their turn.
 */
const atOnce = 5;
/** How much time must be left for another key, in milliseconds: its repair waits for 65 s, and tries four times. */
const lookMs = 240_000;
/** How much must be left for the keys that the index does not have: some of the time is for those that it has. */
const listMs = 600_000;

export interface Detector extends Pick<Reconciler, 'registry' | 'remainingMs'> {
  clock: Pick<Reconciler['clock'], 'now'>;
  /** What a key is read and repaired with: keys may lie in another account or Region than the function. */
  reconcilerOf: (keyArn: string) => Reconciler;
  events: EventBus;
  /** The ARNs of the roles whose writes are the deployment's own. */
  writers: readonly string[];
  /** Whether drift is repaired. */
  repairs: boolean;
  logger: Pick<Logger, 'info' | 'warn'>;
  emit: EmitMetric;
}

/**
 * Reports where a key's policy is not as the registry wants it: of the keys that the registry knows or, when somebody else wrote
 * the policy of one, of that one. What was written by hand is kept first, so that it can be restored whatever becomes of it.
 * Of more keys than there is time for, the next invocation looks at the others.
 * @throws KeyPolicyBusy when it is not known yet what became of a policy written by hand
 * @throws AggregateError of what went wrong with single keys, when the others have been looked at
 */
export async function detectKeyPolicyDrift({ eventId, edit }: Occasion, detector: Detector): Promise<void> {
  if (edit === undefined) return lookAtAll(eventId, detector);
  const { registry, writers, logger } = detector;
  const isOwn = edit.roleArn !== undefined && writers.includes(edit.roleArn);
  if (isOwn || !(await isKnownKey(registry, edit.keyArn))) return;
  logger.info('key policy written by hand', { keyArn: edit.keyArn, by: edit.by });
  await keepEdit(edit, detector);
  await look(edit.keyArn, { eventId, edit }, detector);
}

async function lookAtAll(eventId: string, detector: Detector): Promise<void> {
  const { registry, logger, remainingMs, clock } = detector;
  const walker = { registry, mayGoOn: () => remainingMs() > listMs, now: clock.now };
  // A table that cannot be read whole keeps no key of the index from its turn.
  const unlisted = await listUnlisted(walker).catch((error: unknown) => [error]);
  const { problems, state } = await workInSlices(registry, {
    name: 'drift',
    pageAfter: (after) => knownKeysAfter(registry, after),
    each: async (keyArn) => {
      // The one does not depend on the other.
      const wrong = await problemsOfEach(
        [() => lookUnlessBusy(keyArn, eventId, detector), () => endOldBackups(registry, keyArn, clock.now())],
        (work) => work(),
      );
      if (wrong.length > 0) throw wrong[0];
    },
    mayGoOn: () => remainingMs() > lookMs,
    atOnce,
    now: clock.now,
  });
  if (state === 'left' || state === 'held') logger.info('keys left to the next look', { state });
  throwTogether([...unlisted, ...problems], 'keys could not be looked at');
}

async function lookUnlessBusy(keyArn: string, eventId: string, detector: Detector): Promise<void> {
  try {
    await look(keyArn, { eventId }, detector);
  } catch (error) {
    if (!(error instanceof KeyPolicyBusy)) throw error;
    // The writer makes it as it is to be, and the next check is soon.
    detector.logger.info('key policy not looked at', { reason: error.message });
  }
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

async function look(keyArn: string, { eventId, edit }: Occasion, detector: Detector): Promise<void> {
  const { logger, events, emit } = detector;
  const reconciler = detector.reconcilerOf(keyArn);
  const found = await lookAtKey(keyArn, edit?.at ?? reconciler.clock.now() - lookBackMs, reconciler);
  requireSettled(found);
  const { drift, policy } = found;
  if (policy !== undefined) emit('KeyRoomUsed', (size(policy) / maxBytes) * 100, { keyArn });
  if (drift === undefined) return logger.warn('key is gone', { keyArn });
  if (!isDrift(drift)) return;
  emit('KeyPolicyDrift', 1, { keyArn });
  const repaired = detector.repairs && isRepairable(drift) ? await repair(keyArn, reconciler, logger) : 'no';
  const detail: EventDetail<'KeyPolicyDrift'> = { keyArn, ...shortened(drift), repaired, by: edit?.by ?? null };
  logger.warn('key policy drifted', detail);
  await publishDrift(events, detail, eventId);
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
