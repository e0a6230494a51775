import { describe, expect, inject, it } from 'vitest';
import { type BurstResult, runBurst } from '../../../../bench/key-policy-burst.ts';
import { bootSandbox } from '../../../../sandbox/boot.ts';

const roles = 150;

/** So many steps on one key, with writes limited, reads stale, roles unseen and deleted, and steps that die with the lease. */
async function burst(writer: 'reconciler' | 'read-modify-write'): Promise<BurstResult['keys'][number] & BurstResult> {
  const sandbox = await bootSandbox({ packageFolder: inject('packageFolder'), skipIdle: true });
  try {
    const result = await runBurst(sandbox, {
      keys: 1,
      roles,
      writer,
      seed: 1,
      hidden: 5,
      deleted: 2,
      killed: 5,
    });
    const [key] = result.keys;
    if (key === undefined) throw new Error('The burst had no key');
    expect(result.died).toBe(5);
    return { ...key, ...result };
  } finally {
    await sandbox.close();
  }
}

describe(`${roles} steps that patch one key at the same time`, () => {
  it('lose no grant and no foreign statement, with at most 20 writes of the policy', async () => {
    const { lost, foreignKept, writes, gaveUp } = await burst('reconciler');
    expect(lost).toEqual([]);
    expect(foreignKept).toBe(true);
    expect(writes).toBeLessThanOrEqual(20);
    // Only the steps of roles that are not there any more.
    expect(gaveUp.length).toBeLessThanOrEqual(2);
  });

  it('lose grants when each of them reads, modifies and writes', async () => {
    const { lost } = await burst('read-modify-write');
    expect(lost).not.toEqual([]);
  });
});
