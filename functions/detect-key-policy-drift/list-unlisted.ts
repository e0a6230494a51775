import { listKey, readUnlisted } from '../../lib/keys/known-keys.ts';
import { type Pace, paced } from '../../lib/pace.ts';
import { workInSlices } from '../../lib/registry/slices.ts';
import type { Registry } from '../../lib/registry/table.ts';

/** How often the whole table is read for keys that the index does not have. */
const everyMs = 7 * 24 * 60 * 60_000;
/** How fast: a page is 1 MB, and so 128 read units, of the 3,000 a second that one partition has. */
const pace: Pace = { perSecond: 4, burst: 8 };

/** The place of the last page. */
const endOfTable = 'end';

interface Walker {
  registry: Registry;
  mayGoOn(): boolean;
  now(): number;
}

/**
 * Puts keys into the index that are not there: those of versions that listed none, which may also have run since, after a rollback, and those whose lease
 * somebody has deleted. The whole table is read for that, once a week, apart from what anybody waits for, and over as many invocations as it takes.
 * @returns what went wrong
 */
export async function listUnlisted({ registry, mayGoOn, now }: Walker): Promise<readonly unknown[]> {
  const turn = paced(pace);
  const { problems } = await workInSlices<readonly string[]>(registry, {
    name: 'list-keys',
    pageAfter: async (after) => {
      if (after === endOfTable) return { items: [], end: undefined };
      await turn();
      const { keyArns, end } = await readUnlisted(registry, after);
      return { items: keyArns.length === 0 ? [] : [{ place: end ?? endOfTable, item: keyArns }], end };
    },
    each: async (keyArns) => {
      for (const keyArn of keyArns) await listKey(registry, keyArn);
    },
    mayGoOn,
    atOnce: 1,
    restMs: everyMs,
    now,
  });
  return problems;
}
