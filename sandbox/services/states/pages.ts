import * as v from 'valibot';
import { AwsError } from '../../core/operation.ts';

/** What the input of an operation that lists has. */
export const page = {
  maxResults: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1000))),
  nextToken: v.optional(v.string()),
};

/** One page of a list, and the token of the next one. @throws AwsError InvalidToken */
export function onePage<Item>(
  items: readonly Item[],
  { maxResults, nextToken = '0' }: { maxResults?: number | undefined; nextToken?: string | undefined },
): [Item[], string | undefined] {
  if (!/^\d+$/.test(nextToken)) throw new AwsError('InvalidToken', `Invalid Token: 'Invalid token'`);
  const from = Number(nextToken);
  const to = from + (maxResults || 100);
  return [items.slice(from, to), to < items.length ? String(to) : undefined];
}
