import * as v from 'valibot';
import { type AccountRegion, arnOwner } from '../../lib/aws/arns.ts';
import { unknownRequester } from '../../lib/plans/origin.ts';
import { maxBatch, readRecords } from '../../lib/registry/records.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { knownOperationOf, type Operation, type Status } from '../../lib/subscribers/operations.ts';
import { type ListedRecord, listedSchema } from '../../lib/subscribers/record.ts';
import { requireKnownVersion } from '../../lib/versions.ts';
import { allCandidates, type Candidate, candidatesOfKey, candidatesOfStatus } from './candidates.ts';
import { readToken, tokenFor } from './next-token.ts';
import type { Filters, ListQuery } from './query.ts';

/** How a subscriber stands, as far as the registry knows: it learns of an execution's end a moment later than Step Functions. */
export interface ListedSubscriber extends AccountRegion {
  userName: string;
  status: Status;
  /** What the execution does or did. */
  operation: Operation;
  updatedAt: string;
  /** When the execution was started; absent where the record does not have it. */
  startedAt?: string | undefined;
  executionArn: string;
  /** Who asked for it. */
  requestedBy: string;
  /** Why the execution failed. The subscriber may be ACTIVE all the same. */
  error?: { name: string; step?: string | undefined };
  stackId?: string | undefined;
  /** The build of the vendor's template that the stack is of. */
  build?: string | undefined;
  roleArn?: string | undefined;
  keyArns: string[];
  /** How many users were added under the subscriber. */
  users: number;
}

export interface SubscriberList {
  subscribers: ListedSubscriber[];
  /** Absent on the last page. A page may have fewer subscribers than it could, or none, and still not be the last. */
  nextToken?: string;
}

interface Dependencies {
  registry: Registry;
  now: Date;
  /** Is called with the partition key of a record that somebody has spoiled, which is left out. */
  onSpoiled: (pk: string) => void;
}

/** How often candidates are read for one page: a filter that nearly nothing passes ends a page early, and not API Gateway's time. */
const maxReads = 10;

/**
 * A page of the subscribers that pass all filters, in the order of their names. Who is a subscriber all the while is on just one of the pages. What is read
 * for a page depends on how many it has, and on nothing that it does not have: the index leads to the records of a status, a key's grants to its
 * subscribers, and by account and time a bounded number of the index's entries are looked through.
 * @throws InvalidRequest for a wrong nextToken
 * @throws NewerDataVersion
 */
export async function listSubscribers(
  { filters, limit, nextToken }: ListQuery,
  { registry, now, onSpoiled }: Dependencies,
): Promise<SubscriberList> {
  const list = { tableName: registry.tableName, filters };
  let after = nextToken === undefined ? undefined : readToken(list, nextToken, now);
  const readCandidates = candidatesFor(registry, filters, limit);
  const subscribers: ListedSubscriber[] = [];
  for (let reads = 0; reads < maxReads; reads += 1) {
    const { candidates, isLast } = await readCandidates(after);
    const { passed, rest } = firstPassing(candidates, filters, Math.min(limit - subscribers.length, maxBatch));
    const records = await readRecords(
      registry,
      passed.map(({ pk }) => pk),
    );
    for (const { pk } of passed) {
      if (!records.has(pk)) continue;
      // Left out, it would seem not to be there.
      requireKnownVersion(records.get(pk), `Record ${pk} of the registry`);
      const read = v.safeParse(listedSchema, records.get(pk));
      const subscriber = read.success ? listed(read.output) : undefined;
      if (!read.success || subscriber === undefined) onSpoiled(pk);
      // As it is by now.
      else if (passes(read.output, filters)) subscribers.push(subscriber);
    }
    if (isLast && rest.length === 0) return { subscribers };
    after = candidates.at(-1 - rest.length)?.pk ?? after;
    if (subscribers.length === limit) break;
  }
  return { subscribers, ...(after !== undefined && { nextToken: tokenFor(list, after, now) }) };
}

/** The most selective way to the candidates. */
function candidatesFor(registry: Registry, { status, key, ...others }: Filters, limit: number) {
  const isFiltered = Object.values(others).some((value) => value !== undefined);
  // One more than the page has, so that it is known whether another one follows.
  const size = isFiltered ? maxBatch : limit + 1;
  if (key !== undefined) return candidatesOfKey(registry, key, maxBatch);
  return status === undefined ? allCandidates(registry, size) : candidatesOfStatus(registry, status, size);
}

/** The first candidates that may pass the filters, and those that come after them. */
function firstPassing(candidates: readonly Candidate[], filters: Filters, count: number) {
  const passed: Candidate[] = [];
  for (const [place, candidate] of candidates.entries()) {
    if (passed.length === count) return { passed, rest: candidates.slice(place) };
    const { indexed } = candidate;
    if (indexed === undefined || passes(indexed, filters)) passed.push(candidate);
  }
  return { passed, rest: [] };
}

/** Whether a record passes all filters but that of a key, which the grants decide. */
function passes(
  record: Pick<ListedRecord, 'status' | 'updatedAt' | 'home' | 'executionArn' | 'stackId'>,
  { status, account, updatedBefore, updatedAfter }: Filters,
): boolean {
  return (
    (status === undefined || record.status === status) &&
    (account === undefined || homeOf(record).accountId === account) &&
    (updatedBefore === undefined || record.updatedAt < updatedBefore) &&
    (updatedAfter === undefined || record.updatedAt > updatedAfter)
  );
}

/** Where the subscriber's stack is, or is to be. Records of before there was a choice of accounts are of the deployment's own. */
const homeOf = ({ home, stackId, executionArn }: Pick<ListedRecord, 'home' | 'stackId' | 'executionArn'>) =>
  home ?? arnOwner(stackId ?? executionArn);

/** @returns undefined where the execution is of no machine of the onboarding */
function listed(record: ListedRecord): ListedSubscriber | undefined {
  const { userName, status, updatedAt, executionArn, lastError, roleArn, keyArns = [], users = [] } = record;
  const operation = knownOperationOf(executionArn);
  if (operation === undefined) return undefined;
  return {
    userName,
    status,
    operation,
    ...homeOf(record),
    updatedAt,
    startedAt: record.attempts.at(-1)?.startedAt,
    executionArn,
    requestedBy: record.attempts.at(-1)?.requestedBy ?? unknownRequester,
    ...(lastError && { error: { name: lastError.name, step: lastError.step } }),
    stackId: record.stackId,
    build: record.build,
    roleArn,
    keyArns,
    users: users.length,
  };
}
