import type { Stack } from '../../lib/plans/stack.ts';

/**
 * How long an execution has waited for its stack, which began when deploy-stack set the deadline.
 * @returns undefined when that is not known: a step that is redriven comes here long after the wait
 */
export function stackWaitSeconds(
  { goal, deadline }: Pick<Stack, 'goal' | 'deadline'>,
  timeoutMinutes: number,
  now: number,
): number | undefined {
  const left = Date.parse(deadline) - now;
  const waited = timeoutMinutes * 60_000 - left;
  return goal === 'created' && left >= 0 && waited >= 0 ? waited / 1000 : undefined;
}
