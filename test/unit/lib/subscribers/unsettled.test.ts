import { PutCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { statusSchema } from '../../../../lib/subscribers/operations.ts';
import { sliceAt, unsettledRecords } from '../../../../lib/subscribers/unsettled.ts';
import { registryTable } from '../registry/registry-table.ts';

const now = new Date('2026-01-01T12:00:00.000Z');
const minutesLater = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
const failedSince = '2025-12-18T12:00:00.000Z';
const lastError = { name: 'StackFailed', step: 'WaitForStack', message: 'm', remedy: 'r' };

/** A registry with these records, and what is unsettled in it at a time. */
async function setUp(records: Record<string, object>) {
  const registry = await registryTable();
  for (const [name, record] of Object.entries(records)) {
    const Item = { pk: `SUBSCRIBER#${name}`, sk: 'RECORD', updatedAt: failedSince, executionArn: name, ...record };
    await registry.documents.send(new PutCommand({ TableName: registry.tableName, Item }));
  }
  return async (at: Date) => {
    const names: string[] = [];
    for await (const item of unsettledRecords(registry, { failedSince, now: at })) {
      names.push(v.parse(v.object({ executionArn: v.string() }), item).executionArn);
    }
    return names.toSorted();
  };
}

describe('the slices of an hour', () => {
  it('have each letter once, whenever the hour begins', () => {
    for (const start of [0, 3, 5, 31.5]) {
      const slices = Array.from({ length: 12 }, (_, place) => sliceAt(minutesLater(start + 5 * place)));
      const letters = [...'abcdefghijklmnopqrstuvwxyz'];
      const of = (letter: string) =>
        slices.filter(({ from, to }) => from <= `SUBSCRIBER#${letter}` && `SUBSCRIBER#${letter}zz-9` < to).length;
      expect(letters.map(of)).toEqual(letters.map(() => 1));
    }
  });
});

describe('unsettled', () => {
  it('is what runs, whenever it was begun, and nothing that has succeeded', async () => {
    const old = { updatedAt: '2020-01-01T00:00:00.000Z' };
    const unsettled = await setUp(
      Object.fromEntries(
        statusSchema.options.map((status) => [status.toLowerCase().replace('_', '-'), { status, ...old }]),
      ),
    );
    expect(await unsettled(now)).toEqual(['adding-users', 'offboarding', 'onboarding', 'updating', 'upgrading']);
  });

  it('is what failed as long as a redrive is possible: at any time, or once an hour where the subscriber is active', async () => {
    const before = { updatedAt: '2025-12-18T11:59:59.999Z' };
    const unsettled = await setUp({
      failed: { status: 'FAILED', lastError },
      old: { status: 'FAILED', lastError, ...before },
      active: { status: 'ACTIVE', lastError },
      zealous: { status: 'ACTIVE', lastError },
      aged: { status: 'ACTIVE', lastError, ...before },
      fine: { status: 'ACTIVE' },
    });
    const sweeps = await Promise.all(Array.from({ length: 12 }, (_, place) => unsettled(minutesLater(5 * place))));
    expect(sweeps.every((names) => names.includes('failed'))).toBe(true);
    expect(
      sweeps
        .flat()
        .filter((name) => name !== 'failed')
        .toSorted(),
    ).toEqual(['active', 'zealous']);
  });

  it('has the records of all pages, of subscribers alone', async () => {
    const registry = await registryTable();
    // A query reads 1 MB.
    const text = 'x'.repeat(90_000);
    const put = (Item: object) =>
      registry.documents.send(new PutCommand({ TableName: registry.tableName, Item: { ...Item } }));
    for (const letter of 'abcdefghijklmnop') {
      await put({
        pk: `SUBSCRIBER#${letter}`,
        sk: 'RECORD',
        status: 'FAILED',
        updatedAt: failedSince,
        lastError: text,
      });
    }
    await put({ pk: 'KEY#a', sk: 'LEASE', status: 'FAILED', updatedAt: failedSince, lastError: text });
    const found: unknown[] = [];
    for await (const item of unsettledRecords(registry, { failedSince, now })) found.push(item);
    expect(found).toHaveLength(16);
  });
});
