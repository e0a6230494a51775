import { BatchGetCommand, BatchWriteCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { listSubscribers } from '../../../../functions/list-subscribers/list-subscribers.ts';
import { parseListQuery } from '../../../../functions/list-subscribers/query.ts';
import type { Registry } from '../../../../lib/registry/table.ts';
import { claimRecord, failRecord } from '../../../../lib/subscribers/record.ts';
import { registryTable } from '../../lib/registry/registry-table.ts';
import { execution, oldRecord, putAll } from './subscribers.ts';

const now = new Date('2026-01-01T12:00:00.000Z');
const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-1111-4111-8111-111111111111';

function setUp(registry: Registry) {
  const spoiled: string[] = [];
  const dependencies = { registry, now, onSpoiled: (pk: string) => spoiled.push(pk) };
  const page = (parameters: Record<string, string> = {}) => listSubscribers(parseListQuery(parameters), dependencies);
  /** The names of all pages. */
  const pages = async (parameters: Record<string, string> = {}, between: () => unknown = () => {}) => {
    const names: string[][] = [];
    for (let nextToken: string | undefined; ; ) {
      const read = await page({ ...parameters, ...(nextToken !== undefined && { nextToken }) });
      names.push(read.subscribers.map(({ userName }) => userName));
      nextToken = read.nextToken;
      if (nextToken === undefined) return names;
      await between();
    }
  };
  return { page, pages, spoiled };
}

/** Does something before the first query of a status, when those that were sent before it are over, or after it. */
function atFirstQuery(
  { documents }: Registry,
  status: string,
  { before, after }: { before?: () => Promise<void>; after?: () => Promise<void> },
): void {
  const send = documents.send.bind(documents);
  const sent: Promise<unknown>[] = [];
  let isFirst = true;
  async function query(command: QueryCommand) {
    if (!isFirst || command.input.ExpressionAttributeValues?.[':status'] !== status) return send(command);
    isFirst = false;
    await Promise.all(sent);
    await before?.();
    const answer = await send(command);
    await after?.();
    return answer;
  }
  const spy = vi.spyOn(documents, 'send').mockImplementation((command: unknown) => {
    if (command instanceof BatchGetCommand) return send(command);
    if (command instanceof BatchWriteCommand) return send(command);
    if (!(command instanceof QueryCommand)) throw new Error('a list does nothing else');
    const answer = query(command);
    sent.push(answer);
    return answer;
  });
  onTestFinished(() => spy.mockRestore());
}

const numbered = (count: number, of: (number: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, number) => oldRecord(`s${String(number).padStart(4, '0')}`, of(number)));

describe('a list', () => {
  it('has what the registry knows of each subscriber, also of one whose record is older than the index', async () => {
    const registry = await registryTable();
    await putAll(registry, [
      oldRecord('Acme', { roleArn: 'arn:aws:iam::111111111111:role/acme', keyArns: [keyArn], users: ['a', 'b'] }),
      { pk: `KEY#${keyArn}`, sk: 'LEASE', owner: 'x' },
      { pk: 'LOGIN#root', sk: 'BREAKER', revision: 'x' },
    ]);
    const { page } = setUp(registry);
    expect(await page()).toEqual({
      subscribers: [
        {
          userName: 'Acme',
          status: 'ACTIVE',
          operation: 'onboard-subscriber',
          accountId: '111111111111',
          region: 'us-east-1',
          updatedAt: '2025-12-01T12:00:00.000Z',
          startedAt: '2025-12-01T11:50:00.000Z',
          executionArn: execution('onboard-subscriber', 'Acme'),
          requestedBy: 'unknown',
          roleArn: 'arn:aws:iam::111111111111:role/acme',
          keyArns: [keyArn],
          users: 2,
        },
      ],
    });
  });

  it('has what the current version writes, and why an execution failed', async () => {
    const registry = await registryTable();
    const executionArn = execution('onboard-subscriber', 'acme-1');
    const home = { accountId: '222222222222', region: 'eu-west-1' };
    const at = { previousExecutionArn: undefined, attempts: [], startedAt: 'x', now: '2026-01-01T11:00:00.000Z' };
    await claimRecord(registry, { userName: 'Acme', executionArn, home }, at);
    const { page } = setUp(registry);
    expect((await page({ status: 'ONBOARDING' })).subscribers).toMatchObject([
      { ...home, userName: 'Acme', status: 'ONBOARDING', startedAt: 'x', keyArns: [], users: 0 },
    ]);
    const failure = { executionArn, name: 'StackFailed', step: 'WaitForStack', message: 'm', remedy: 'r', now: at.now };
    await failRecord(registry, 'acme', failure);
    expect((await page({ status: 'ONBOARDING' })).subscribers).toEqual([]);
    const [failed] = (await page({ status: 'FAILED' })).subscribers;
    expect(failed).toMatchObject({ status: 'FAILED', error: { name: 'StackFailed', step: 'WaitForStack' } });
    expect(failed?.error).not.toHaveProperty('message');
  });

  it('goes on where the page before has ended, in the order of the names, whatever their status', async () => {
    const registry = await registryTable();
    const names = ['a', 'a-b', 'a0', 'ab', 'B', 'b1', 'C-c', 'd'];
    const statuses = ['ACTIVE', 'FAILED', 'OFFBOARDED', 'UPDATING'];
    await putAll(
      registry,
      names.toReversed().map((name, place) => oldRecord(name, { status: statuses[place % statuses.length] })),
    );
    const { pages } = setUp(registry);
    expect(await pages()).toEqual([names]);
    expect(await pages({ limit: '8' })).toEqual([names]);
    expect(await pages({ limit: '3' })).toEqual([
      ['a', 'a-b', 'a0'],
      ['ab', 'B', 'b1'],
      ['C-c', 'd'],
    ]);
    expect((await pages({ limit: '1' })).flat()).toEqual(names);
    expect(await pages({ status: 'OFFBOARDED', limit: '1' })).toEqual([['a-b'], ['b1']]);
    expect(await setUp(await registryTable()).pages()).toEqual([[]]);
  });

  it('is filtered by account and time', async () => {
    const registry = await registryTable();
    const other = { home: { accountId: '222222222222', region: 'eu-west-1' } };
    const at = (number: number) => `2025-12-01T12:00:${String(number).padStart(2, '0')}.000Z`;
    await putAll(
      registry,
      numbered(20, (number) => ({ updatedAt: at(number), ...(number === 17 && other) })),
    );
    const { pages } = setUp(registry);
    expect(await pages({ account: '222222222222' })).toEqual([['s0017']]);
    expect((await pages({ account: '111111111111', limit: '5' })).map(({ length }) => length)).toEqual([5, 5, 5, 4]);
    expect(await pages({ updatedAfter: at(10), updatedBefore: at(13) })).toEqual([['s0011', 's0012']]);
    expect(await pages({ account: '222222222222', updatedAfter: at(17) })).toEqual([[]]);
  });

  it('ends a page that nothing passes when it has looked at a thousand, and goes on behind them', async () => {
    const registry = await registryTable();
    const froms: unknown[] = [];
    // Each query returns a hundred more.
    const send = vi.spyOn(registry.documents, 'send').mockImplementation(async (command: unknown) => {
      if (!(command instanceof QueryCommand)) throw new Error('nothing passes');
      const from = command.input.ExpressionAttributeValues?.[':from'];
      froms.push(from);
      const [, number = '-1'] = /s(\d+)!$/.exec(String(from)) ?? [];
      const next = Array.from({ length: 100 }, (_, place) => `s${String(Number(number) + 1 + place).padStart(4, '0')}`);
      return { Items: next.map((name) => oldRecord(name)), LastEvaluatedKey: { pk: 'x' } };
    });
    const { page } = setUp(registry);
    const filters = { account: '222222222222', status: 'ACTIVE' };
    const { subscribers, nextToken = '' } = await page(filters);
    expect(subscribers).toEqual([]);
    expect(froms).toHaveLength(10);
    await page({ ...filters, nextToken });
    expect(froms[10]).toBe('SUBSCRIBER#s0999!');
    send.mockRestore();
  });

  it('of a key has those whose roles are to have it', async () => {
    const registry = await registryTable();
    const grant = (userName: string, state: string) => ({
      pk: `KEY#${keyArn}`,
      sk: `GRANT#arn:aws:iam::111111111111:role/${userName}`,
      ...{ userName, state, roleArn: `arn:aws:iam::111111111111:role/${userName}`, roleId: 'AROA' },
    });
    await putAll(registry, [
      ...['C', 'a', 'B', 'd'].map((name) => oldRecord(name, { status: name === 'B' ? 'FAILED' : 'ACTIVE' })),
      ...[grant('C', 'applied'), grant('B', 'pending'), grant('a', 'applied')],
      ...[grant('d', 'withdrawn'), grant('gone', 'applied')],
    ]);
    const { pages } = setUp(registry);
    expect(await pages({ key: keyArn })).toEqual([['a', 'B', 'C']]);
    expect((await pages({ key: keyArn, limit: '1' })).flat()).toEqual(['a', 'B', 'C']);
    expect(await pages({ key: keyArn, status: 'FAILED' })).toEqual([['B']]);
    expect(await pages({ key: keyArn.replace(/1$/, '2') })).toEqual([[]]);
  });

  it('leaves out a record that somebody has spoiled, and says so', async () => {
    const registry = await registryTable();
    const [bad, foreign] = [{ updatedAt: 7 }, { executionArn: 'arn:aws:states:us-east-1:111111111111:execution:x:y' }];
    await putAll(registry, [oldRecord('a', bad), oldRecord('b'), oldRecord('c', foreign)]);
    const { pages, spoiled } = setUp(registry);
    expect(await pages()).toEqual([['b']]);
    expect(spoiled).toEqual(['SUBSCRIBER#a', 'SUBSCRIBER#c']);
  });
});

describe('a list of subscribers that change meanwhile', () => {
  const statuses = ['ACTIVE', 'UPDATING', 'ACTIVE', 'OFFBOARDING', 'OFFBOARDED', 'ONBOARDING', 'FAILED', 'ONBOARDING'];

  it('has each once, whatever happens between its pages', async () => {
    const registry = await registryTable();
    const records = numbered(30);
    await putAll(registry, records);
    const { pages } = setUp(registry);
    let turn = 0;
    const names = await pages({ limit: '4' }, async () => {
      turn += 1;
      const changed = records.map((record, place) => ({
        ...record,
        status: statuses[(turn + place) % statuses.length],
      }));
      await putAll(registry, [...changed, oldRecord(`s0000-${turn}`)]);
    });
    const flat = names.flat().filter((name) => !name.includes('-'));
    expect(flat).toEqual(records.map(({ userName }) => userName));
  });

  it('has each once, also those whose status changes between two reads of a page', async () => {
    const registry = await registryTable();
    const records = numbered(12, (number) => ({ status: number % 2 === 0 ? 'ACTIVE' : 'UPDATING' }));
    await putAll(registry, records);
    const { pages } = setUp(registry);
    // Each record gets the other status after those that are being updated were read, and before the active ones are.
    const swap = () =>
      putAll(
        registry,
        records.map((record) => ({ ...record, status: record.status === 'ACTIVE' ? 'UPDATING' : 'ACTIVE' })),
      );
    atFirstQuery(registry, 'ACTIVE', { before: swap });
    expect((await pages()).flat()).toEqual(records.map(({ userName }) => userName));
  });

  it('shows a record as it is, and not as the index had it', async () => {
    const registry = await registryTable();
    await putAll(registry, [oldRecord('a'), oldRecord('b')]);
    const { page } = setUp(registry);
    const change = () => putAll(registry, [oldRecord('a', { status: 'UPDATING' })]);
    atFirstQuery(registry, 'ACTIVE', { after: change });
    expect((await page({ status: 'ACTIVE' })).subscribers).toMatchObject([{ userName: 'b' }]);
  });
});
