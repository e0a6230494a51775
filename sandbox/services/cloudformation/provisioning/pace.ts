import type { Stack } from '../stack.ts';

/** How many resources of a stack CloudFormation works on in the time that one takes, at least: it works on many at the same time. */
const atOnce = 50;

/** How long each resource of a stack takes: a stack of many takes no longer than one of so many. */
export const paceOf = ({ needs }: Pick<Stack, 'needs'>, resourceDelayMs: number): number =>
  needs.size <= atOnce ? resourceDelayMs : (resourceDelayMs * atOnce) / needs.size;
