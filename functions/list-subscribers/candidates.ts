import * as v from 'valibot';
import { isWanted, readGrants } from '../../lib/keys/grants.ts';
import { recordKey } from '../../lib/registry/owner.ts';
import { allNames, namesAfter, queryStatus } from '../../lib/registry/status-index.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { type Status, statusSchema } from '../../lib/subscribers/operations.ts';
import { indexedSchema } from '../../lib/subscribers/record.ts';

export type Indexed = v.InferOutput<typeof indexedSchema>;

/** Subscribers that a list may have, in the order of their names. */
export interface Candidate {
  /** The partition key of the record. */
  pk: string;
  /** What the index has of the record; undefined: it was not looked for there, or somebody has spoiled it. */
  indexed: Indexed | undefined;
}

export interface Candidates {
  candidates: Candidate[];
  /** Whether nothing comes after these. */
  isLast: boolean;
}

/** Reads the next candidates after a partition key, or the first ones: at least one, unless there is none any more. */
export type ReadCandidates = (after: string | undefined) => Promise<Candidates>;

/** Those whose roles are to have a key. As many as fit on a key, and so few that they are read together. */
export function candidatesOfKey(registry: Registry, keyArn: string, size: number): ReadCandidates {
  let pks: Promise<string[]> | undefined;
  const read = async () => {
    const grants = await readGrants(registry, keyArn);
    return [...new Set(grants.filter(isWanted).map(({ userName }) => recordKey(userName).pk))].toSorted();
  };
  return async (after) => {
    pks ??= read();
    const left = (await pks).filter((pk) => after === undefined || pk > after);
    return {
      candidates: left.slice(0, size).map((pk) => ({ pk, indexed: undefined })),
      isLast: left.length <= size,
    };
  };
}

/** Those of a status, by the index. */
export function candidatesOfStatus(registry: Registry, status: Status, size: number): ReadCandidates {
  return async (after) => merged([await readPart(registry, status, after, size)]);
}

/**
 * All, by the index, where each status is a part of its own. A record whose status changes goes from one part to another one, and who reads these one
 * after the other may find it in neither: so all are read twice, the second time when the first is over. An operation, between whose begin and end
 * a record is in a third part, takes longer than that.
 */
export function allCandidates(registry: Registry, size: number): ReadCandidates {
  const parts = (after: string | undefined) =>
    Promise.all(statusSchema.options.map((status) => readPart(registry, status, after, size)));
  return async (after) => merged([...(await parts(after)), ...(await parts(after))]);
}

const keyedSchema = v.object({ pk: v.string() });

async function readPart(
  registry: Registry,
  status: Status,
  after: string | undefined,
  limit: number,
): Promise<Candidates> {
  const names = after === undefined ? allNames : namesAfter(after);
  const { items, lastKey } = await queryStatus(registry, { status, names, limit });
  const candidates = items.map((item) => {
    const { pk } = v.parse(keyedSchema, item);
    const indexed = v.safeParse(indexedSchema, item);
    return { pk, indexed: indexed.success ? indexed.output : undefined };
  });
  return { candidates, isLast: lastKey === undefined };
}

/** Parts in one order, as far as all of them have been read; of what is in several, the latest. */
function merged(parts: readonly Candidates[]): Candidates {
  const ends = parts.flatMap(({ candidates, isLast }) => (isLast ? [] : [candidates.at(-1)?.pk ?? '']));
  const end = ends.toSorted()[0];
  const byPk = new Map<string, Candidate>();
  for (const candidate of parts.flatMap(({ candidates }) => candidates)) {
    const known = byPk.get(candidate.pk)?.indexed?.updatedAt ?? '';
    if ((candidate.indexed?.updatedAt ?? '') >= known) byPk.set(candidate.pk, candidate);
  }
  const sorted = [...byPk.values()].toSorted((one, other) => (one.pk < other.pk ? -1 : 1));
  return { candidates: sorted.filter(({ pk }) => end === undefined || pk <= end), isLast: end === undefined };
}
