import * as v from 'valibot';
import type { TableStore } from './table-store.ts';
import type { WireItem } from './wire.ts';

const hour = 60 * 60_000;
/**
 * How long an item stays after it has expired: "within a few days of their expiration". Until then reads return it, and writes change it.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
 */
const lagMs = 48 * hour;
/** How often expired items are looked for. */
const checkMs = 6 * hour;
/** An item that says that it expired longer ago stays, as does one whose attribute is no number (the same page). */
const tooOldSeconds = 5 * 366 * 24 * 60 * 60;

interface Parts {
  /** What stacks have made of tables: only these have an attribute that says when an item expires. */
  tables: TableStore;
  /** Milliseconds since the epoch. */
  now(): number;
  items(tableName: string): Promise<WireItem[]>;
  /** Deletes an item, unless this attribute of it is another one by now. */
  deleteItem(tableName: string, item: WireItem, attribute: string): Promise<void>;
}

const numberSchema = v.object({ N: v.pipe(v.string(), v.transform(Number), v.number()) });

/**
 * Deletes what has expired. Without a timer, for which a clock that skips time would not end: the next call finds that deleted which should be gone.
 */
export function createTimeToLive({ tables, now, items, deleteItem }: Parts): { removeExpired(): Promise<void> } {
  let checkedAt = now();
  return {
    async removeExpired() {
      if (now() < checkedAt + checkMs) return;
      checkedAt = now();
      const before = (checkedAt - lagMs) / 1000;
      const after = checkedAt / 1000 - tooOldSeconds;
      for (const { name, timeToLive } of tables.values()) {
        if (timeToLive === undefined) continue;
        for (const item of await items(name)) {
          const expires = v.safeParse(numberSchema, item[timeToLive]);
          if (expires.success && expires.output.N <= before && expires.output.N > after) {
            await deleteItem(name, item, timeToLive);
          }
        }
      }
    },
  };
}
