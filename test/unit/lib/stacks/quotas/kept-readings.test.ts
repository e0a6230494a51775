import { expect, it } from 'vitest';
import { keptReadings } from '../../../../../lib/stacks/quotas/kept-readings.ts';

const home = { accountId: '111111111111', region: 'us-east-1' };
const at = (ms: number) => new Date(Date.UTC(2026, 0, 15) + ms);

it('keeps what was read of an account in a Region for as long as it is asked for', async () => {
  const kept = keptReadings();
  let reads = 0;
  const read = async () => {
    reads += 1;
    return [{ kind: 'roles' as const, used: reads, limit: 1_000 }];
  };
  const usedAt = async (now: Date, maxAgeMs: number, where = home) =>
    (await kept(where, { now, maxAgeMs, read })).map(({ used }) => used);
  expect(await usedAt(at(0), 1_000)).toEqual([1]);
  expect(await usedAt(at(999), 1_000)).toEqual([1]);
  expect(await usedAt(at(1_000), 1_000)).toEqual([2]);
  expect(await usedAt(at(1_000), 1_000, { ...home, region: 'eu-west-1' })).toEqual([3]);
  // Within one invocation once, and in another one anew, also at the same time.
  const now = at(2_000);
  expect(await usedAt(now, 0)).toEqual([4]);
  expect(await usedAt(now, 0)).toEqual([4]);
  expect(await usedAt(at(2_000), 0)).toEqual([5]);
});
