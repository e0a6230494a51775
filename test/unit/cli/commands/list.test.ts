import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { list } from '../../../../cli/commands/list.ts';
import { deployed, listed, type Query, sessionOn } from './deployed.ts';

const now = new Date('2026-11-29T12:00:00.000Z');
const failed = { status: 'FAILED' };

/** A function that answers with pages of two, and what it has been asked. */
function subscribers(...all: ReturnType<typeof listed>[]) {
  const page = ({ status, nextToken = '0' }: Query) => {
    const from = Number(nextToken);
    const some = all
      .filter((each) => status === undefined || each.status === status)
      .toSorted((one, other) => (one.userName.toLowerCase() < other.userName.toLowerCase() ? -1 : 1));
    return {
      subscribers: some.slice(from, from + 2),
      ...(from + 2 < some.length && { nextToken: String(from + 2) }),
    };
  };
  return deployed(page);
}

const documentSchema = v.object({ subscribers: v.array(v.object({ userName: v.string() })), isCut: v.boolean() });
const run = async (options: Parameters<typeof list>[0]['options'] = {}) => {
  const { document } = await list({ options }, sessionOn().session, now);
  const { subscribers: found, isCut } = v.parse(documentSchema, document);
  return { names: found.map(({ userName }) => userName), isCut };
};

describe('list', () => {
  it('reads page after page', async () => {
    const { queries } = subscribers(listed('a'), listed('b'), listed('c'), listed('d'), listed('e'));
    expect(await run()).toEqual({ names: ['a', 'b', 'c', 'd', 'e'], isCut: false });
    expect(queries.map(({ nextToken, limit }) => [nextToken, limit])).toEqual([
      [undefined, '100'],
      ['2', '100'],
      ['4', '100'],
    ]);
  });

  it('asks for no more than it shows, and says that there are more', async () => {
    const { queries } = subscribers(listed('a'), listed('b'), listed('c'), listed('d'), listed('e'));
    expect(await run({ limit: '2' })).toEqual({ names: ['a', 'b'], isCut: true });
    expect(queries).toHaveLength(2);
    expect(queries[0]).toMatchObject({ limit: '3' });
    expect(await run({ limit: '5' })).toMatchObject({ isCut: false });
  });

  it('passes filters on, with times for durations', async () => {
    const { queries } = subscribers();
    const key = 'arn:aws:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111';
    await run({ 'older-than': '2h', 'newer-than': '3d', account: '111111111111', key });
    expect(queries).toEqual([
      {
        updatedBefore: '2026-11-29T10:00:00.000Z',
        updatedAfter: '2026-11-26T12:00:00.000Z',
        account: '111111111111',
        key,
        limit: '100',
      },
    ]);
  });

  it('has several statuses in one order, each subscriber once, as it was written last', async () => {
    const later = { updatedAt: '2026-11-29T12:00:01.000Z' };
    subscribers(
      listed('Beta', { ...failed, ...later }),
      listed('beta'),
      listed('alpha'),
      listed('Zeta', failed),
      listed('gamma'),
    );
    expect(await run({ status: ['active', 'FAILED', 'FAILED'] })).toMatchObject({
      names: ['alpha', 'Beta', 'gamma', 'Zeta'],
    });
  });

  it.each([
    ['name', ['a', 'b', 'c']],
    ['updated', ['b', 'a', 'c']],
    ['status', ['a', 'c', 'b']],
  ])('is sorted by %s, also when it is cut', async (sort, names) => {
    subscribers(listed('a'), listed('b', { ...failed, updatedAt: '2026-11-29T13:00:00.000Z' }), listed('c'));
    expect(await run({ sort })).toMatchObject({ names });
    expect(await run({ sort, limit: '2' })).toEqual({ names: names.slice(0, 2), isCut: true });
  });

  it('prints subscriber after subscriber with --jsonl', async () => {
    const seen: number[] = [];
    const { session, printed } = sessionOn();
    deployed(({ nextToken }) => {
      seen.push(printed.length);
      return nextToken === undefined ? { subscribers: [listed('a')], nextToken: 'x' } : { subscribers: [listed('b')] };
    });
    expect(await list({ options: { jsonl: true } }, session, now)).toEqual({ document: {}, isPrinted: true, text: '' });
    expect(printed).toEqual([listed('a'), listed('b')]);
    // What the first page has is printed before the second one is read.
    expect(seen).toEqual([0, 1]);
  });

  it.each([
    [{ status: ['GONE'] }, /--status takes one of ONBOARDING, /],
    [{ sort: 'age' }, /--sort takes name, updated, status/],
    [{ account: 'prod' }, /--account takes the 12 digits/],
    [{ key: 'alias/x' }, /--key takes the ARN/],
    [{ limit: '0' }, /--limit takes a number from 1/],
    [{ 'older-than': 'a day' }, /--older-than takes a duration/],
    [{ 'newer-than': '2' }, /--newer-than takes a duration/],
  ])('refuses %j', async (options, message) => {
    await expect(list({ options }, sessionOn().session, now)).rejects.toThrow(message);
  });

  it('refuses two forms of output', async () => {
    await expect(list({ options: { jsonl: true } }, sessionOn({}, true).session, now)).rejects.toThrow(/not both/);
  });
});
