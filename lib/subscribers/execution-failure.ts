import {
  type DescribeExecutionOutput,
  type HistoryEvent,
  paginateGetExecutionHistory,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { ExecutionSuperseded, remedyFor } from '../errors.ts';
import { json, parseJson } from '../json.ts';
import { originIn } from '../plans/origin.ts';
import type { Registry } from '../registry/table.ts';
import { type EventBus, publishFailure } from './events.ts';
import { failureMessage, triesOf } from './failure-message.ts';
import { operationOf, operations } from './operations.ts';
import { isSuperseded } from './ownership.ts';
import { failRecord, readRecord } from './record.ts';

// A longer name was refused with its request, and DynamoDB would refuse it as a key.
const requestSchema = json(v.object({ subscriber: v.object({ userName: v.pipe(v.string(), v.maxLength(34)) }) }));

export interface FailureRecorder {
  stepFunctions: SFNClient;
  registry: Registry;
  events: EventBus;
  now: Date;
}

/** Why an execution did not succeed. */
export interface Failure {
  /** The ASL error name. */
  name: string;
  /** The state that the execution ended in. */
  step: string;
  message: string;
}

/**
 * Records how an execution ended that did not succeed: step, reason and remedy go into the subscriber's record, if it is
 * this execution's, and into an event, of an onboarding `SubscriberOnboardingFailed`.
 * @param execution as DescribeExecution returns it; FAILED, TIMED_OUT or ABORTED
 */
export async function recordExecutionFailure(
  execution: DescribeExecutionOutput,
  { stepFunctions, registry, events, now }: FailureRecorder,
): Promise<void> {
  const { executionArn = '' } = execution;
  const userName = requestedUserName(execution);
  const described = await describeFailure(stepFunctions, execution);
  const record = userName === undefined ? undefined : await readRecord(registry, userName);
  const isPast = isSuperseded(record, { executionArn, startedAt: execution.startDate?.toISOString() });
  // What the failure's own remedy advises would be refused.
  const remedy = isPast ? ExecutionSuperseded.remedy : remedyFor(described.name);
  const failure = { executionArn, ...described, remedy };
  // Before the record, by which the sweep knows what is left to do: an event may come twice, but must not be lost.
  const detailType = operations[operationOf(executionArn)].failedEvent;
  await publishFailure(events, detailType, {
    detail: { userName, ...failure },
    origin: originIn(parseJson(execution.input ?? '')),
    endedAt: execution.stopDate?.toISOString(),
  });
  // A request so wrong that it names no subscriber has no record either.
  if (userName !== undefined) {
    // When it failed, and not when that is recorded: what is shown as the attempt's end must not change.
    await failRecord(registry, userName, { ...failure, now: (execution.stopDate ?? now).toISOString() });
  }
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
