import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { account } from '../../../../../sandbox/core/account.ts';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { createLogs } from '../../../../../sandbox/services/logs/service.ts';
import { accessOf, call } from '../call.ts';

const logGroupName = '/aws/lambda/obtain-token';
const answerSchema = v.looseObject({
  events: v.array(v.looseObject({ timestamp: v.number(), message: v.string(), eventId: v.string() })),
  nextToken: v.optional(v.string()),
});

/** @param lines what the function has logged: of a number, a line of that many seconds after the start */
function setUp(lines: readonly (number | string)[], retentionInDays?: number) {
  const clock = createClock({ skipIdle: true });
  const start = clock.now();
  const text = lines.map((line) =>
    typeof line === 'number'
      ? JSON.stringify({ timestamp: new Date(start + line * 1000).toISOString(), n: `n${line}` })
      : line,
  );
  const logOf = (name: string) => (name === 'obtain-token' ? `${text.join('\n')}\n` : '');
  const logs = createLogs({ clock, home: account, logOf });
  logs.createLogGroup({ name: logGroupName, retentionInDays });
  logs.createLogGroup({ name: '/aws/vendedlogs/states/obtain-token' });
  const filter = async (input: object = {}) =>
    v.parse(answerSchema, await call(logs.service, 'FilterLogEvents', { logGroupName, ...input }));
  const messages = async (input: object = {}) =>
    (await filter(input)).events.map(({ message }) => /"n(\d+)"/.exec(message)?.[1] ?? message);
  return { clock, start, logs, filter, messages };
}

describe('FilterLogEvents', () => {
  it('returns what a function has logged by time, lines without one after the line before', async () => {
    const { start, filter, messages } = setUp([2, 'at Object.<anonymous>', 1]);
    expect(await messages()).toEqual(['1', '2', 'at Object.<anonymous>']);
    const { events, ...rest } = await filter();
    expect(rest).toEqual({ searchedLogStreams: [] });
    expect(events[0]).toEqual({
      logStreamName: '[$LATEST]sandbox',
      timestamp: start + 1000,
      ingestionTime: start + 1000,
      message: expect.stringContaining('"n1"'),
      eventId: expect.stringMatching(/^\d{56}$/),
    });
    expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(3);
  });

  it('takes both ends of a range of times in', async () => {
    const { start, messages } = setUp([1, 2, 3, 4]);
    expect(await messages({ startTime: start + 2000, endTime: start + 3000 })).toEqual(['2', '3']);
    expect(await messages({ startTime: start + 2001, endTime: start + 2999 })).toEqual([]);
  });

  it('has pages that are empty, though another one has something', async () => {
    const { filter } = setUp(Array.from({ length: 250 }, (_, index) => index));
    const filterPattern = '{ $.n = "n249" }';
    const first = await filter({ filterPattern });
    expect(first.events).toEqual([]);
    const second = await filter({ filterPattern, nextToken: first.nextToken });
    expect(second.events).toEqual([]);
    const third = await filter({ filterPattern, nextToken: second.nextToken });
    expect(third).toMatchObject({ events: [{ message: expect.stringContaining('n249') }] });
    expect(third.nextToken).toBeUndefined();
  });

  it('has no more on a page than is asked for', async () => {
    const { filter, messages } = setUp([1, 2, 3]);
    const { events, nextToken } = await filter({ limit: 2 });
    expect(events).toHaveLength(2);
    expect(await messages({ limit: 2, nextToken })).toEqual(['3']);
  });

  it('refuses the token of another search, and what is none', async () => {
    const { filter } = setUp([1, 2, 3]);
    const { nextToken } = await filter({ limit: 1 });
    const message = 'The specified nextToken is invalid.';
    for (const input of [{ nextToken, startTime: 1 }, { nextToken, filterPattern: 'x' }, { nextToken: 'x' }]) {
      await expect(filter(input)).rejects.toMatchObject({ code: 'InvalidParameterException', message });
    }
  });

  it('forgets events after the days of its retention', async () => {
    const { clock, messages } = setUp([0, 60], 14);
    clock.advance(14 * 24 * 60 * 60_000 + 30_000);
    expect(await messages()).toEqual(['60']);
    clock.advance(60_000);
    expect(await messages()).toEqual([]);
  });

  it('knows the log group by its ARN, and state machines have nothing in theirs', async () => {
    const { logs } = setUp([1]);
    const events = async (logGroupIdentifier: string) =>
      v.parse(answerSchema, await call(logs.service, 'FilterLogEvents', { logGroupIdentifier })).events;
    expect(await events(`arn:aws:logs:us-east-1:111111111111:log-group:${logGroupName}`)).toHaveLength(1);
    expect(await events('/aws/vendedlogs/states/obtain-token')).toEqual([]);
  });

  it('refuses a log group that there is not, a wrong value and two names, in the words of the service', async () => {
    const { filter, logs } = setUp([]);
    await expect(filter({ logGroupName: '/aws/lambda/other' })).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
      message: 'The specified log group does not exist.',
    });
    await expect(filter({ limit: 10_001 })).rejects.toMatchObject({
      code: 'InvalidParameterException',
      message: expect.stringMatching(/^1 validation error detected: Value '10001' at 'limit'/),
    });
    const wrong = { code: 'InvalidParameterException' };
    await expect(filter({ logGroupIdentifier: logGroupName })).rejects.toMatchObject(wrong);
    await expect(call(logs.service, 'FilterLogEvents', {})).rejects.toMatchObject(wrong);
    await expect(filter({ unmask: true })).rejects.toMatchObject(wrong);
  });

  it('asks IAM for the group with a stream, as denials name it', () => {
    const { logs } = setUp([]);
    expect(accessOf(logs.service, 'FilterLogEvents', { logGroupName })).toEqual([
      {
        action: 'logs:FilterLogEvents',
        resource: `arn:aws:logs:us-east-1:111111111111:log-group:${logGroupName}:log-stream:`,
      },
    ]);
  });
});

describe('DescribeLogGroups', () => {
  it('lists by prefix, page by page, with what is kept for how long', async () => {
    const { logs } = setUp([]);
    for (const name of ['/b/2', '/b/1', '/c/1']) logs.createLogGroup({ name, retentionInDays: 14 });
    logs.createLogGroup({ name: '/b/3' });
    const page = async (input: object) => Object(await call(logs.service, 'DescribeLogGroups', input));
    const first = await page({ logGroupNamePrefix: '/b/', limit: 2 });
    const second = await page({ logGroupNamePrefix: '/b/', limit: 2, nextToken: first.nextToken });
    expect([...first.logGroups, ...second.logGroups]).toMatchObject([
      { logGroupName: '/b/1', retentionInDays: 14 },
      { logGroupName: '/b/2', retentionInDays: 14 },
      { logGroupName: '/b/3' },
    ]);
    expect(second).not.toHaveProperty('nextToken');
    expect(second.logGroups[0]).not.toHaveProperty('retentionInDays');
    logs.deleteLogGroup('/b/3');
    expect(await page({ logGroupNamePrefix: '/b/3' })).toEqual({ logGroups: [] });
  });
});
