import { expect, it } from 'vitest';
import { stackWaitSeconds } from '../../../../functions/read-role-arn/stack-wait.ts';

const now = Date.parse('2026-01-01T12:00:00.000Z');
const minutesFromNow = (minutes: number) => new Date(now + minutes * 60_000).toISOString();

it.each([
  { what: 'a wait is from when its deadline was set', goal: 'created', left: 55, seconds: 300 },
  { what: 'a stack that was there already took no wait', goal: 'created', left: 60, seconds: 0 },
  { what: 'nothing is known long after it, as after a redrive', goal: 'created', left: -1, seconds: undefined },
  { what: 'nothing is known when the timeout was shortened meanwhile', goal: 'created', left: 61, seconds: undefined },
  { what: 'a deletion is no wait of an onboarding', goal: 'deleted', left: 55, seconds: undefined },
] as const)('$what', ({ goal, left, seconds }) => {
  expect(stackWaitSeconds({ goal, deadline: minutesFromNow(left) }, 60, now)).toBe(seconds);
});
