import { describe, expect, inject, it } from 'vitest';
import { type BurstResult, runBurst } from '../../../../bench/key-policy-burst.ts';
import { bootSandbox } from '../../../../sandbox/boot.ts';
import { byScope } from '../../../scope.ts';

/** So many steps on one key, with writes limited, reads stale, roles unseen and deleted, and steps that die with the lease. */
async function burst(
  writer: 'reconciler' | 'read-modify-write',
  roles: number,
): Promise<BurstResult['keys'][number] & BurstResult> {
  const sandbox = await bootSandbox({ packageFolder: inject('packageFolder'), skipIdle: true, schedules: false });
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

describe('steps that patch one key at the same time', () => {
  const roles = byScope({ usual: 24, all: 150, long: 150 });
  const few = byScope({ usual: 20, all: 40, long: 40 });

  it(`lose no grant and no foreign statement, with at most 20 writes of the policy, ${roles} of them`, async () => {
    const { lost, foreignKept, writes, gaveUp } = await burst('reconciler', roles);
    expect(lost).toEqual([]);
    expect(foreignKept).toBe(true);
    expect(writes).toBeLessThanOrEqual(20);
    // Only the steps of roles that are not there any more.
    expect(gaveUp.length).toBeLessThanOrEqual(2);
  });

  // What the others hold against: even a few lose some.
  it(`lose grants when each of them reads, modifies and writes, ${few} of them`, async () => {
    const { lost } = await burst('read-modify-write', few);
    expect(lost).not.toEqual([]);
  });
});
