import { DeleteCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, it } from 'vitest';
import { listUnlisted } from '../../../../functions/detect-key-policy-drift/list-unlisted.ts';
import { knownKeys } from '../../../../lib/keys/known-keys.ts';
import { readLease, releaseLease, takeLease } from '../../../../lib/keys/lease.ts';
import { registryTable } from '../registry/registry-table.ts';

const arn = (number: number) =>
  `arn:aws:kms:us-east-1:111111111111:key/00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const week = 7 * 24 * 60 * 60_000;

async function setUp() {
  const registry = await registryTable();
  const time = { now: Date.UTC(2026, 0, 1) };
  const put = (Item: Record<string, unknown>) =>
    registry.documents.send(new PutCommand({ TableName: registry.tableName, Item }));
  return {
    registry,
    time,
    put,
    /** As a version wrote it that listed no keys. */
    putLease: (keyArn: string) =>
      put({ pk: `KEY#${keyArn}`, sk: 'LEASE', written: { statementsHash: 'h', writtenAt: 1 } }),
    list: (mayGoOn = () => true) => listUnlisted({ registry, mayGoOn, now: () => time.now }),
    known: async () => {
      const found: string[] = [];
      for await (const keyArn of knownKeys(registry)) found.push(keyArn);
      return found;
    },
  };
}

describe('the keys that the registry knows', () => {
  it('are those whose lease was taken, on all pages, each once, and nothing else that has a status', async () => {
    const { registry, known, put } = await setUp();
    const arns = Array.from({ length: 105 }, (_, number) => arn(number));
    await Promise.all(arns.map((keyArn) => takeLease(registry, keyArn, { owner: 'one', until: 1 }, 0)));
    const [first = ''] = arns;
    await releaseLease(registry, first, { owner: 'one' }, undefined);
    await takeLease(registry, first, { owner: 'other', until: 1 }, 0);
    await put({ pk: 'SUBSCRIBER#acme', sk: 'RECORD', status: 'ACTIVE' });
    await put({ pk: `KEY#${arn(999)}`, sk: 'ROOM', version: 1 });
    expect(await known()).toEqual(arns);
  });

  it('are, once the table was read, also those of versions that listed none, by their lease or their grants', async () => {
    const { registry, known, put, putLease, list } = await setUp();
    await putLease(arn(1));
    await put({ pk: `KEY#${arn(2)}`, sk: 'GRANT#role', roleArn: 'role' });
    await put({ pk: `KEY#${arn(3)}`, sk: 'POLICY#2026', id: '2026' });
    await put({ pk: `KEY#${arn(4)}`, sk: 'GRANT#role', roleArn: 'role' });
    await takeLease(registry, arn(4), { owner: 'one', until: 1 }, 0);
    expect(await known()).toEqual([arn(4)]);
    expect(await list()).toEqual([]);
    expect(await known()).toEqual([arn(1), arn(2), arn(4)]);
    expect(await readLease(registry, arn(1))).toMatchObject({ written: { statementsHash: 'h' } });
  });

  it('are looked for in the whole table once a week', async () => {
    const { registry, known, putLease, list, time } = await setUp();
    await list();
    // After a rollback.
    await putLease(arn(1));
    time.now += week - 1;
    await list();
    expect(await known()).toEqual([]);
    time.now += 1;
    await list();
    expect(await known()).toEqual([arn(1)]);
    const Key = { pk: `KEY#${arn(1)}`, sk: 'LEASE' };
    await registry.documents.send(new DeleteCommand({ TableName: registry.tableName, Key }));
    expect(await known()).toEqual([]);
  });

  it('are looked for in parts when there is no time for the whole table', async () => {
    const { known, put, putLease, list } = await setUp();
    // A page is 1 MB.
    const text = 'x'.repeat(300_000);
    const arns = Array.from({ length: 12 }, (_, number) => arn(number));
    for (const keyArn of arns) {
      await putLease(keyArn);
      await put({ pk: `KEY#${keyArn}`, sk: 'POLICY#2026', policy: text });
    }
    const counts: number[] = [];
    for (let runs = 0; runs < 9; runs += 1) {
      let pages = 1;
      await list(() => pages-- > 0);
      counts.push((await known()).length);
    }
    expect(counts[0]).toBeLessThan(12);
    expect(counts).toEqual(counts.toSorted((one, other) => one - other));
    expect(await known()).toEqual(arns);
  });
});
