import type { HistoryEvent } from '@aws-sdk/client-sfn';

const begin = Date.parse('2026-01-01T00:00:00.000Z');

type Step = Omit<HistoryEvent, 'id' | 'previousEventId' | 'timestamp'>;

/** A history in the shape of GetExecutionHistory, its events one second apart from 2026-01-01T00:00:00Z on. */
export function history(...steps: (Step | Step[])[]): HistoryEvent[] {
  return steps.flat().map((step, index) => ({
    ...step,
    id: index + 1,
    previousEventId: index,
    timestamp: new Date(begin + index * 1000),
  }));
}

/** The time of the n-th event of a history, counted from 0. */
export const at = (index: number) => new Date(begin + index * 1000).toISOString();

export const started: Step = { type: 'ExecutionStarted' };
export const succeeded: Step = { type: 'ExecutionSucceeded' };
export const executionFailed: Step = { type: 'ExecutionFailed' };
export const entered = (name: string): Step => ({
  type: 'TaskStateEntered',
  stateEnteredEventDetails: { name, input: '{}' },
});
export const exited = (name: string): Step => ({
  type: 'TaskStateExited',
  stateExitedEventDetails: { name, output: '{}' },
});
export const lambdaStarts: Step[] = [
  {
    type: 'LambdaFunctionScheduled',
    lambdaFunctionScheduledEventDetails: { resource: 'arn:aws:lambda:…', input: '{}' },
  },
  { type: 'LambdaFunctionStarted' },
];
export const lambdaFails = (error: string): Step[] => [
  ...lambdaStarts,
  { type: 'LambdaFunctionFailed', lambdaFunctionFailedEventDetails: { error, cause: '{}' } },
];
const task = { resourceType: 'lambda', resource: 'invoke.waitForTaskToken' };
export const waits: Step[] = [
  { type: 'TaskScheduled', taskScheduledEventDetails: { ...task, region: 'us-east-1', parameters: '{}' } },
  { type: 'TaskStarted', taskStartedEventDetails: task },
  { type: 'TaskSubmitted', taskSubmittedEventDetails: task },
];
export const waitTimesOut: Step[] = [
  ...waits,
  { type: 'TaskTimedOut', taskTimedOutEventDetails: { ...task, error: 'States.Timeout' } },
];

/** A state that is entered, runs its function, and is left: four events. */
export const done = (name: string): Step[] => [
  entered(name),
  ...lambdaStarts,
  { type: 'LambdaFunctionSucceeded', lambdaFunctionSucceededEventDetails: { output: '{}' } },
  exited(name),
];
