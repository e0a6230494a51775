import { expect, it } from 'vitest';
import { quotaLine } from '../../../../../lib/stacks/quotas/room.ts';

const uses = { roles: 2, policies: 0, stacks: 1, buckets: 1, tables: 1 };

it.each([
  [0, 0, 1_000, 500],
  [5, 0, 1_000, 497],
  [5, 993, 1_000, 1],
  [5, 994, 1_000, 0],
  [5, 999, 1_000, 0],
  [5, 1_001, 1_000, 0],
])('of a quota of which %i must stay free and %i of %i are used, %i more stacks fit', (reserve, used, limit, fit) => {
  const line = quotaLine({ kind: 'roles', used, limit }, uses, reserve);
  expect(line).toMatchObject({ free: Math.max(0, limit - used), subscribersThatFit: fit });
  expect(line.reserve).toBe(reserve === 0 ? undefined : reserve);
});
