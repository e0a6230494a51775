import { hashPrefix } from 'dynalite/db/index.js';

/**
 * What one partition serves a second, of a table or of a global secondary index (developer guide, "Best practices for designing and using partition keys
 * effectively": "3,000 read units per second and 1,000 write units per second").
 */
export const unitsPerSecond = { read: 3_000, write: 1_000 } as const;
export type Kind = keyof typeof unitsPerSecond;

/**
 * How many partitions there are: a new table in on-demand mode serves 4,000 write units and 12,000 read units a second (developer guide, "Initial throughput
 * for on-demand capacity mode"; AWS re:Post, "How do I resolve throttling issues in on-demand tables").
 */
export const partitions = 4;

/** What a call needs: units of one partition of a table, or of an index of it. */
export interface Use {
  tableName: string;
  indexName?: string;
  /** From 0 on. */
  partition: number;
  kind: Kind;
}

export interface Charge extends Use {
  units: number;
}

/** What the partitions of tables and indexes have left. */
export interface Throughput {
  /** @returns those of these for which nothing is left */
  refused<Of extends Use>(uses: readonly Of[]): Of[];
  /** Takes units, more than there are if need be: what a call costs is known after it. Less than none gives some back. */
  take(charges: readonly Charge[]): void;
}

/**
 * A bucket for the reads and one for the writes of each partition, with the units of one second, which come back with the time. A bucket that is empty, or in
 * debt, refuses.
 * @param now milliseconds since the epoch
 */
export function createThroughput(now: () => number): Throughput {
  const buckets = new Map<string, { units: number; at: number }>();
  const nameOf = ({ tableName, indexName = '', partition, kind }: Use) =>
    [tableName, indexName, partition, kind].join(' ');

  function left(use: Use): number {
    const most = unitsPerSecond[use.kind];
    const bucket = buckets.get(nameOf(use));
    return bucket === undefined ? most : Math.min(most, bucket.units + ((now() - bucket.at) / 1000) * most);
  }

  return {
    refused: (uses) => uses.filter((use) => left(use) <= 0),
    take(charges) {
      for (const charge of charges) {
        buckets.set(nameOf(charge), { units: left(charge) - charge.units, at: now() });
      }
    },
  };
}

/**
 * The partition of a key's hashed value. The partitions have equal shares of the hashes in the order in which dynalite scans, so that a page of a scan lies in
 * the partition where it begins, or goes over into the next one.
 * @param attribute the partition key; undefined: a scan from the beginning
 */
export function partitionOf(attribute: Readonly<Record<string, unknown>> | undefined): number {
  const [[type, value] = []] = Object.entries(attribute ?? {});
  if (type === undefined || typeof value !== 'string') return 0;
  // The first digit of 16.
  return Math.floor((Number.parseInt(hashPrefix(value, type).slice(0, 1), 16) / 16) * partitions);
}
