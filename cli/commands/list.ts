import * as v from 'valibot';
import { parseKeyArn } from '../../lib/aws/arns.ts';
import { statusSchema } from '../../lib/subscribers/operations.ts';
import { byName, compared, type ListedSubscriber, listSubscribers, mergedByName } from '../aws/subscribers.ts';
import type { Outcome } from '../command.ts';
import { usageError } from '../command-error.ts';
import { timeBefore } from '../duration.ts';
import type { Session } from '../session.ts';
import { findDeployment } from '../target/deployment.ts';
import { listText } from '../view/list-text.ts';

interface Options {
  status?: string[] | undefined;
  'older-than'?: string | undefined;
  'newer-than'?: string | undefined;
  account?: string | undefined;
  key?: string | undefined;
  sort?: string | undefined;
  limit?: string | undefined;
  jsonl?: boolean | undefined;
}

const sorts = v.picklist(['name', 'updated', 'status']);

/** The orders that a list may have. */
export const sortNames = sorts.options;

/**
 * Lists the subscribers that pass all filters. By name they come as they are read; for another order all are read first.
 * @throws CommandError named InvalidRequest for wrong options; as `askFunction` throws
 */
export async function list({ options }: { options: Options }, session: Session, now = new Date()): Promise<Outcome> {
  const { filters, statuses, sort, limit } = parseOptions(options, now);
  if (options.jsonl === true && session.json) throw usageError('Give either --json or --jsonl, not both');
  const target = await session.reach();
  const at = { target, deployment: await findDeployment(target) };
  // One more, to see whether there is one.
  const size = sort === 'name' ? limit + 1 : Number.POSITIVE_INFINITY;
  const lists = (statuses.length === 0 ? [undefined] : statuses).map((status) =>
    listSubscribers({ ...filters, status }, at, size),
  );
  const sorted = sort === 'name' ? mergedByName(lists) : sortedBy(sort, mergedByName(lists));
  const found: ListedSubscriber[] = [];
  let isCut = false;
  for await (const subscriber of sorted) {
    isCut = found.length === limit;
    if (isCut) break;
    found.push(subscriber);
    if (options.jsonl === true) session.printLine(subscriber);
  }
  if (options.jsonl === true) return { document: {}, isPrinted: true, text: '' };
  return { document: { subscribers: found, isCut }, text: listText(found, isCut, session.terminal) };
}

function parseOptions({ status = [], account, key, ...options }: Options, now: Date) {
  const statuses = status.map((text) => {
    const name = v.safeParse(statusSchema, text.toUpperCase().replaceAll('-', '_'));
    if (name.success) return name.output;
    throw usageError(`--status takes one of ${statusSchema.options.join(', ')}, not '${text}'`);
  });
  const sort = v.safeParse(sorts, options.sort ?? 'name');
  if (!sort.success) throw usageError(`--sort takes ${sortNames.join(', ')}, not '${options.sort}'`);
  if (account !== undefined && !/^\d{12}$/.test(account)) {
    throw usageError(`--account takes the 12 digits of an account, not '${account}'`);
  }
  if (key !== undefined && parseKeyArn(key) === undefined) {
    throw usageError(`--key takes the ARN of a KMS key, not '${key}'`);
  }
  if (options.limit !== undefined && !/^[1-9]\d{0,5}$/.test(options.limit)) {
    throw usageError(`--limit takes a number from 1, not '${options.limit}'`);
  }
  const { 'older-than': older, 'newer-than': newer, limit } = options;
  const timeOf = (text: string | undefined, option: string) =>
    text === undefined ? undefined : timeBefore(now, text, option).toISOString();
  return {
    statuses: [...new Set(statuses)],
    filters: {
      account,
      key,
      updatedBefore: timeOf(older, '--older-than'),
      updatedAfter: timeOf(newer, '--newer-than'),
    },
    sort: sort.output,
    limit: limit === undefined ? Number.POSITIVE_INFINITY : Number(limit),
  };
}

/** By what was written last first, or by status; those that are alike by name. */
async function* sortedBy(
  order: 'updated' | 'status',
  list: AsyncGenerator<ListedSubscriber>,
): AsyncGenerator<ListedSubscriber> {
  const all: ListedSubscriber[] = [];
  for await (const subscriber of list) all.push(subscriber);
  const first =
    order === 'updated'
      ? (one: ListedSubscriber, other: ListedSubscriber) => compared(other.updatedAt, one.updatedAt)
      : (one: ListedSubscriber, other: ListedSubscriber) => compared(one.status, other.status);
  yield* all.toSorted((one, other) => first(one, other) || byName(one, other));
}
