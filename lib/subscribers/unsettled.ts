import * as v from 'valibot';
import type { Page } from '../registry/slices.ts';
import { allNames, namesAfter, queryStatus } from '../registry/status-index.ts';
import type { Registry } from '../registry/table.ts';
import { runningStatuses, type Status } from './operations.ts';

const minute = 60_000;

/** The records whose execution may have ended unseen, in groups that are gone through each by itself. */
interface Group {
  statuses: readonly Status[];
  /** Only those whose latest attempt has failed, as long as a redrive is possible. */
  isFailed: boolean;
  /** How many entries of the index are read at a time. */
  readAtOnce: number;
  /** How long the group is left alone when all of it was looked at. */
  restMs: number;
}

/**
 * Those that say that it runs; those of failures that can still be redriven; and those of subscribers that are active although their latest operation has
 * failed. Of the last ones most have nothing that failed, and all are looked through: once an hour is enough, as what is looked for is a redrive that failed
 * again unseen.
 */
export const unsettledGroups = {
  running: { statuses: runningStatuses, isFailed: false, readAtOnce: 100, restMs: 0 },
  failed: { statuses: ['FAILED'], isFailed: true, readAtOnce: 100, restMs: 0 },
  // A sweep comes every five minutes: the rounds of an hour begin no later than an hour after each other.
  active: { statuses: ['ACTIVE'], isFailed: true, readAtOnce: 1_000, restMs: 50 * minute },
} as const satisfies Record<string, Group>;

export type UnsettledGroup = keyof typeof unsettledGroups;
export const unsettledGroupNames = ['running', 'failed', 'active'] as const satisfies readonly UnsettledGroup[];

const entrySchema = v.object({ pk: v.string() });

/**
 * The next records of a group, by status and name.
 * @param after the place of the last one; undefined: the first ones
 * @param failedSince ISO 8601
 * @returns what the index has of them, as it is: one that somebody spoiled must not keep the sweep from the others. It may be a moment old, and
 *   what it does not have yet it has for the next sweep
 */
export async function unsettledAfter(
  registry: Registry,
  group: UnsettledGroup,
  { after = '0|', failedSince }: { after: string | undefined; failedSince: string },
): Promise<Page<unknown>> {
  const { statuses, isFailed, readAtOnce }: Group = unsettledGroups[group];
  const place = (status: number, pk: string) => `${status}|${pk}`;
  const at = Number(after.charAt(0));
  const pk = after.slice(2);
  const status = statuses[at];
  if (status === undefined) return { items: [], end: undefined };
  const { items, lastKey } = await queryStatus(registry, {
    status,
    names: pk === '' ? allNames : namesAfter(pk),
    ...(isFailed && { failedSince }),
    limit: readAtOnce,
  });
  const next = at + 1 < statuses.length ? place(at + 1, '') : undefined;
  return {
    items: items.map((item) => ({ place: place(at, v.parse(entrySchema, item).pk), item })),
    end: lastKey === undefined ? next : place(at, v.parse(entrySchema, lastKey).pk),
  };
}
