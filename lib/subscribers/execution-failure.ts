import {
  type DescribeExecutionOutput,
  type HistoryEvent,
  paginateGetExecutionHistory,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { json } from '../json.ts';
import { failureMessage, triesOf } from './failure-message.ts';
import { operationOf, operations } from './operations.ts';

// A longer name was refused with its request, and DynamoDB would refuse it as a key.
const requestSchema = json(v.object({ subscriber: v.object({ userName: v.pipe(v.string(), v.maxLength(34)) }) }));

/** Why an execution did not succeed. */
export interface Failure {
  /** The ASL error name. */
  name: string;
  /** The state that the execution ended in. */
  step: string;
  message: string;
}

/** The subscriber that an execution's input names; undefined when it names none that can be. */
export function requestedUserName({ input }: DescribeExecutionOutput): string | undefined {
  const request = v.safeParse(requestSchema, input);
  return request.success ? request.output.subscriber.userName : undefined;
}

/** @param execution as DescribeExecution returns it; FAILED, TIMED_OUT or ABORTED */
export async function describeFailure(
  stepFunctions: SFNClient,
  { executionArn = '', status, error, cause, stopDate }: DescribeExecutionOutput,
): Promise<Failure> {
  const name = error ?? (status === 'TIMED_OUT' ? 'States.Timeout' : (status ?? 'States.Runtime'));
  const { state: step, newestFirst } = await lastVisit(stepFunctions, executionArn);
  return {
    name,
    step: step ?? operations[operationOf(executionArn)].firstState,
    message: failureMessage({ name, step, cause, tries: triesOf(newestFirst, stopDate) }),
  };
}

/** The state that was entered last, which is the one that an execution ended in. */
export function lastState(newestFirst: readonly HistoryEvent[]): string | undefined {
  return newestFirst.find(({ stateEnteredEventDetails }) => stateEnteredEventDetails !== undefined)
    ?.stateEnteredEventDetails?.name;
}

/** The state that an execution entered last: it runs, or the execution ended in it. Undefined before the first one. */
export async function enteredLast(stepFunctions: SFNClient, executionArn: string): Promise<string | undefined> {
  return (await lastVisit(stepFunctions, executionArn)).state;
}

/** The state that an execution entered last, with the events since then, the newest first. */
async function lastVisit(stepFunctions: SFNClient, executionArn: string) {
  const pages = paginateGetExecutionHistory(
    { client: stepFunctions },
    { executionArn, reverseOrder: true, includeExecutionData: false },
  );
  const newestFirst: HistoryEvent[] = [];
  for await (const { events = [] } of pages) {
    newestFirst.push(...events);
    const state = lastState(events);
    if (state !== undefined) return { state, newestFirst };
  }
  return { state: undefined, newestFirst };
}
