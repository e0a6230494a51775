import * as v from 'valibot';
import { statusSchema } from '../../lib/subscribers/operations.ts';
import type { Deployment } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import { askFunction } from './functions.ts';

/** A subscriber in a list, as `GET /subscribers` returns it. */
export const subscriberSchema = v.looseObject({
  userName: v.string(),
  status: statusSchema,
  operation: v.string(),
  accountId: v.string(),
  region: v.string(),
  updatedAt: v.string(),
  startedAt: v.optional(v.string()),
  executionArn: v.string(),
  requestedBy: v.optional(v.string()),
  error: v.optional(v.object({ name: v.string(), step: v.optional(v.string()) })),
  stackId: v.optional(v.string()),
  build: v.optional(v.string()),
  roleArn: v.optional(v.string()),
  keyArns: v.array(v.string()),
  users: v.number(),
});
const pageSchema = v.object({ subscribers: v.array(subscriberSchema), nextToken: v.optional(v.string()) });

export type ListedSubscriber = v.InferOutput<typeof subscriberSchema>;

/** What a list is of; all that is given must hold. */
export interface ListFilters {
  status?: string | undefined;
  account?: string | undefined;
  key?: string | undefined;
  /** In ISO 8601. */
  updatedBefore?: string | undefined;
  updatedAfter?: string | undefined;
}

const maxPage = 100;

/** Those who pass the filters in the order of their names, page by page as they are asked for. @throws CommandError as `askFunction` */
export async function* listSubscribers(
  filters: ListFilters,
  at: { target: Reachable; deployment: Deployment },
  pageSize = maxPage,
): AsyncGenerator<ListedSubscriber> {
  const given = Object.entries(filters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  let nextToken: string | undefined;
  do {
    const queryStringParameters = {
      ...Object.fromEntries(given),
      limit: String(Math.min(maxPage, pageSize)),
      ...(nextToken !== undefined && { nextToken }),
    };
    const page = v.parse(pageSchema, await askFunction('list-subscribers', { queryStringParameters }, at));
    yield* page.subscribers;
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
}

/** The order of names: unique ignoring case, they are sorted so. */
export const byName = (one: ListedSubscriber, other: ListedSubscriber) =>
  compared(one.userName.toLowerCase(), other.userName.toLowerCase());

export const compared = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);

/**
 * Several lists in the order of names as one. Who is in more than one, because the status changed while these were read, is there once, as it was
 * written last.
 */
export async function* mergedByName(
  lists: readonly AsyncGenerator<ListedSubscriber>[],
): AsyncGenerator<ListedSubscriber> {
  const heads = await Promise.all(lists.map(async (list) => ({ list, next: await list.next() })));
  for (;;) {
    const open = heads.flatMap((head) => (head.next.done ? [] : [{ head, value: head.next.value }]));
    const [first] = open.toSorted((one, other) => byName(one.value, other.value));
    if (first === undefined) return;
    const same = open.filter(({ value }) => byName(value, first.value) === 0);
    const [latest] = same.toSorted((one, other) => compared(other.value.updatedAt, one.value.updatedAt));
    yield latest?.value ?? first.value;
    // Afterwards, as the next one may be on another page.
    for (const { head } of same) head.next = await head.list.next();
  }
}
