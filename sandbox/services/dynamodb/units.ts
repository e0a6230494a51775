import { itemSize } from 'dynalite/db/index.js';
import type { KeySchema } from './access.ts';
import { type Charge, partitionOf } from './throughput.ts';
import type { WireItem } from './wire.ts';

/** A global secondary index, as far as writes need it. */
export interface Index {
  IndexName: string;
  KeySchema: KeySchema;
  Projection: { ProjectionType?: string | undefined; NonKeyAttributes?: readonly string[] | undefined };
}

/** In bytes. What has no form of an item has no size: dynalite refuses it in its own words. */
function sizeOf(item: WireItem | undefined): number {
  try {
    return item === undefined ? 0 : itemSize(item) || 0;
  } catch {
    return 0;
  }
}

/** The write units of an item of before or after a write, whichever is larger: steps of 1 KB, one at least (developer guide, "DynamoDB read and write operations"). */
export const writeUnits = (...items: readonly (WireItem | undefined)[]): number =>
  Math.max(1, ...items.map((item) => Math.ceil(sizeOf(item) / 1024)));

/** The read units of an item that is read by its key: steps of 4 KB, and half of it where the read need not be consistent (the same page). */
export const readUnits = (item: WireItem | undefined, isConsistent: boolean): number =>
  Math.max(1, Math.ceil(sizeOf(item) / 4096)) / (isConsistent ? 1 : 2);

interface Write {
  tableName: string;
  tableKeys: readonly string[];
  before: WireItem | undefined;
  after: WireItem | undefined;
}

/**
 * What a write of an item writes in indexes: the entry that is new, changed or gone, and both of one whose key in the index changes (developer guide, "Using
 * Global Secondary Indexes", "Write capacity units"); nothing where the entry stays as it is.
 */
export function indexWrites(indexes: readonly Index[], { tableName, tableKeys, before, after }: Write): Charge[] {
  return indexes.flatMap((index) => {
    const [old, entry] = [entryOf(index, tableKeys, before), entryOf(index, tableKeys, after)];
    if (JSON.stringify(old) === JSON.stringify(entry)) return [];
    const charge = (...items: readonly (WireItem | undefined)[]): Charge => ({
      tableName,
      indexName: index.IndexName,
      kind: 'write',
      partition: partitionOf((items[0] ?? items[1])?.[index.KeySchema[0]?.AttributeName ?? '']),
      units: writeUnits(...items),
    });
    const keyOf = (item: WireItem) => JSON.stringify(index.KeySchema.map(({ AttributeName }) => item[AttributeName]));
    const moves = old !== undefined && entry !== undefined && keyOf(old) !== keyOf(entry);
    return moves ? [charge(old), charge(entry)] : [charge(old, entry)];
  });
}

/** What an index has of an item; undefined where the item does not have its keys. */
function entryOf(
  { KeySchema, Projection }: Index,
  tableKeys: readonly string[],
  item: WireItem | undefined,
): WireItem | undefined {
  const keys = KeySchema.map(({ AttributeName }) => AttributeName);
  if (item === undefined || keys.some((name) => item[name] === undefined)) return undefined;
  const isAll = (Projection.ProjectionType ?? 'ALL') === 'ALL';
  const names = isAll ? Object.keys(item) : [...keys, ...tableKeys, ...(Projection.NonKeyAttributes ?? [])];
  const attributes = [...new Set(names)].toSorted().flatMap((name) => {
    const value = item[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(attributes);
}
