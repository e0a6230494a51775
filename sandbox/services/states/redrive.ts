import type { Execution } from './execution.ts';
import { maxEvents } from './history.ts';

const day = 24 * 60 * 60 * 1000;
const redrivableMs = 14 * day;
const longestMs = 365 * day;

/** Why an execution cannot be redriven, or undefined when it can (API reference, `DescribeExecution`, `redriveStatusReason`). */
export function whyNotRedrivable({ status, startDate, stopDate, history }: Execution, now: number): string | undefined {
  if (status === 'RUNNING' || status === 'SUCCEEDED') return `Execution is ${status} and cannot be redriven`;
  if (history.length >= maxEvents - 1) return 'Execution history event limit exceeded';
  if (now - startDate.getTime() > longestMs) return 'Execution has exceeded the max execution time';
  const age = now - (stopDate?.getTime() ?? now);
  return age > redrivableMs ? 'Execution redrivable period exceeded' : undefined;
}

/** What is answered, and put into events, of whether an execution can be redriven. */
export function redriveStatus(execution: Execution, now: number) {
  const redriveStatusReason = whyNotRedrivable(execution, now);
  return redriveStatusReason === undefined
    ? { redriveStatus: 'REDRIVABLE' }
    : { redriveStatus: 'NOT_REDRIVABLE', redriveStatusReason };
}
