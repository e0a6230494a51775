import { GetCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { endOldBackups, keptMs } from '../../../../lib/keys/drift/end-backups.ts';
import { takeLease } from '../../../../lib/keys/lease.ts';
import {
  backUpPolicy,
  countPolicyBackups,
  readPolicyBackup,
  readPolicyBackups,
} from '../../../../lib/keys/policy-backups.ts';
import { registryTable } from '../registry/registry-table.ts';
import { keyArn } from './key-fixture.ts';

const hour = 60 * 60_000;
const day = 24 * hour;

/** A key whose policy was written over, and a clock. */
async function setUp() {
  const registry = await registryTable();
  await takeLease(registry, keyArn, { owner: 'one', until: 1 }, 0);
  const time = { now: Date.UTC(2026, 0, 1) };
  const keep = (at = time.now) =>
    backUpPolicy(registry, keyArn, {
      keptAt: new Date(at).toISOString(),
      ...{ hash: 'h', policy: '{}', by: 'an execution', owner: `at-${at}` },
    });
  return {
    registry,
    time,
    keep,
    end: () => endOldBackups(registry, keyArn, time.now),
    ids: async () => (await readPolicyBackups(registry, keyArn, '', time.now)).map(({ id }) => id),
    async expiresAt(id: string) {
      const Key = { pk: `KEY#${keyArn}`, sk: `POLICY#${id}` };
      const { Item } = await registry.documents.send(new GetCommand({ TableName: registry.tableName, Key }));
      return v.parse(v.object({ expiresAt: v.optional(v.number()) }), Item).expiresAt;
    },
  };
}

describe('the kept policies of a key', () => {
  it('get an end when a newer one is kept, and the newest has none', async () => {
    const { registry, time, keep, end, ids, expiresAt } = await setUp();
    const first = await keep();
    time.now += hour;
    const second = await keep();
    expect(await end()).toBe(1);
    expect(await expiresAt(first)).toBe((time.now + keptMs) / 1000);
    expect(await expiresAt(second)).toBeUndefined();
    time.now += keptMs - 1_000;
    expect(await ids()).toEqual([first, second]);
    // DynamoDB has not deleted it yet.
    time.now += 1_000;
    expect(await ids()).toEqual([second]);
    expect(await countPolicyBackups(registry, keyArn, time.now)).toBe(1);
    expect(await readPolicyBackup(registry, keyArn, first, time.now)).toBeUndefined();
    time.now += 10 * keptMs;
    await end();
    expect(await ids()).toEqual([second]);
  });

  it('are looked through once a day, from the last one on', async () => {
    const { time, keep, end } = await setUp();
    await keep();
    await end();
    time.now += 21 * hour;
    await keep();
    expect(await end()).toBe(0);
    time.now += hour;
    expect(await end()).toBe(1);
    time.now += 10 * day;
    await keep();
    expect(await end()).toBe(1);
    time.now += 10 * day;
    expect(await end()).toBe(0);
  });

  it('get an end that were written by hand and reported late', async () => {
    const { time, keep, end, expiresAt } = await setUp();
    await keep();
    time.now += day;
    await keep();
    await end();
    const late = await keep(time.now - 40 * hour);
    time.now += day;
    await end();
    expect(await expiresAt(late)).toBeDefined();
  });

  it('get an end, however many there are, and keep the one that they have', async () => {
    const { time, keep, end, expiresAt } = await setUp();
    const first = await keep();
    await Promise.all(Array.from({ length: 205 }, (_, place) => keep(time.now + 1_000 * (place + 1))));
    time.now += hour;
    expect(await end()).toBe(200);
    const before = await expiresAt(first);
    time.now += hour;
    expect(await end()).toBe(5);
    expect(await expiresAt(first)).toBe(before);
    time.now += day;
    expect(await end()).toBe(0);
  });
});
