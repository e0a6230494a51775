import { PutCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { statusSchema } from '../../../../lib/subscribers/operations.ts';
import { type UnsettledGroup, unsettledAfter } from '../../../../lib/subscribers/unsettled.ts';
import { registryTable } from '../registry/registry-table.ts';

const failedSince = '2025-12-18T12:00:00.000Z';
const lastError = { name: 'StackFailed', step: 'WaitForStack', message: 'm', remedy: 'r' };

/** A registry with these records, and what a group of them has, by names, over all pages. */
async function setUp(records: Record<string, object>) {
  const registry = await registryTable();
  for (const [name, record] of Object.entries(records)) {
    const Item = { pk: `SUBSCRIBER#${name}`, sk: 'RECORD', updatedAt: failedSince, executionArn: name, ...record };
    await registry.documents.send(new PutCommand({ TableName: registry.tableName, Item }));
  }
  return async (group: UnsettledGroup) => {
    const found: { place: string; name: string }[] = [];
    let after: string | undefined;
    do {
      const page = await unsettledAfter(registry, group, { after, failedSince });
      for (const { place, item } of page.items) {
        found.push({ place, name: v.parse(v.object({ executionArn: v.string() }), item).executionArn });
      }
      after = page.end;
    } while (after !== undefined);
    // By which it is known how far a sweep has come.
    expect(found.map(({ place }) => place)).toEqual(found.map(({ place }) => place).toSorted());
    return found.map(({ name }) => name);
  };
}

describe('unsettled', () => {
  it('is what runs, whenever it was begun, and nothing that has succeeded', async () => {
    const old = { updatedAt: '2020-01-01T00:00:00.000Z' };
    const unsettled = await setUp(
      Object.fromEntries(
        statusSchema.options.map((status) => [status.toLowerCase().replace('_', '-'), { status, ...old }]),
      ),
    );
    expect((await unsettled('running')).toSorted()).toEqual([
      'adding-users',
      'offboarding',
      'onboarding',
      'updating',
      'upgrading',
    ]);
  });

  it('is what failed as long as a redrive is possible, also where the subscriber is active', async () => {
    const before = { updatedAt: '2025-12-18T11:59:59.999Z' };
    const unsettled = await setUp({
      failed: { status: 'FAILED', lastError },
      old: { status: 'FAILED', lastError, ...before },
      active: { status: 'ACTIVE', lastError },
      zealous: { status: 'ACTIVE', lastError },
      aged: { status: 'ACTIVE', lastError, ...before },
      fine: { status: 'ACTIVE' },
    });
    expect(await unsettled('failed')).toEqual(['failed']);
    expect(await unsettled('active')).toEqual(['active', 'zealous']);
  });

  it('has the records of all pages, of subscribers alone', async () => {
    const many = Array.from({ length: 230 }, (_, number) => `tenant-${String(number).padStart(3, '0')}`);
    const unsettled = await setUp({
      ...Object.fromEntries(many.map((name) => [name, { status: 'ONBOARDING' }])),
      last: { status: 'OFFBOARDING' },
      key: { pk: 'KEY#a', sk: 'LEASE', status: 'ONBOARDING' },
    });
    expect(await unsettled('running')).toEqual([...many, 'last']);
  });
});
