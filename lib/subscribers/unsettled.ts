import { allNames, type NameRange, namesBetween, queryAllOfStatus } from '../registry/status-index.ts';
import type { Registry } from '../registry/table.ts';
import { runningStatuses } from './operations.ts';

const minute = 60_000;
/** How often the sweep runs (functions/sweep-executions/resources.yml). */
const sweepMs = 5 * minute;
const slices = 12;
const letters = 'abcdefghijklmnopqrstuvwxyz';

/**
 * The names whose turn it is: each sweep of an hour has some of the letters that a name begins with, and all sweeps of an hour have all.
 * By the clock alone, so that nothing has to be kept from one sweep to the next.
 */
export function sliceAt(now: Date): NameRange {
  const slice = Math.floor(now.getTime() / sweepMs) % slices;
  const first = Math.floor((slice * letters.length) / slices);
  const next = Math.floor(((slice + 1) * letters.length) / slices);
  return namesBetween(letters.charAt(first), letters.charAt(next - 1));
}

/**
 * The records whose execution may have ended unseen: those that say that it runs, and those of failures that can still be redriven. Of
 * subscribers that are active although their latest operation has failed, only those of `sliceAt`: most of the active ones have
 * nothing that failed, and all of them would be looked through.
 * @param failedSince ISO 8601
 * @returns what the index has of them, as it is: one that somebody spoiled must not keep the sweep from the others. It may be a moment old, and
 *   what it does not have yet it has for the next sweep
 */
export async function* unsettledRecords(
  registry: Registry,
  { failedSince, now }: { failedSince: string; now: Date },
): AsyncGenerator<unknown> {
  for (const status of runningStatuses) yield* queryAllOfStatus(registry, { status, names: allNames });
  yield* queryAllOfStatus(registry, { status: 'FAILED', names: allNames, failedSince });
  yield* queryAllOfStatus(registry, { status: 'ACTIVE', names: sliceAt(now), failedSince });
}
