// What a sweep reads of a registry in which all is as it is to be.
import { workInSlices } from '../../lib/registry/slices.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { unsettledAfter, unsettledGroupNames, unsettledGroups } from '../../lib/subscribers/unsettled.ts';

const hour = 60 * 60_000;

/** One round of each group of records whose turn it is. @returns how many records each has */
export async function sweep(registry: Registry, at: Date): Promise<string> {
  const failedSince = new Date(at.getTime() - 336 * hour).toISOString();
  const found: string[] = [];
  for (const group of unsettledGroupNames) {
    let records = 0;
    await workInSlices(registry, {
      name: `sweep-${group}`,
      pageAfter: (after) => unsettledAfter(registry, group, { after, failedSince }),
      each: async () => {
        records += 1;
      },
      mayGoOn: () => true,
      atOnce: 5,
      restMs: unsettledGroups[group].restMs,
      now: () => at.getTime(),
    });
    found.push(`${records} ${group}`);
  }
  return found.join(', ');
}
