import type { DescribeExecutionOutput, SFNClient } from '@aws-sdk/client-sfn';
import { ExecutionSuperseded, remedyFor } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { EmitMetric, Metric } from '../metrics.ts';
import { originIn } from '../plans/origin.ts';
import type { Registry } from '../registry/table.ts';
import { type EventBus, publishFailure } from './events.ts';
import { describeFailure, type Failure, requestedUserName } from './execution-failure.ts';
import { operationOf, operations } from './operations.ts';
import { isSuperseded } from './ownership.ts';
import { failRecord, readRecord } from './record.ts';

export interface FailureRecorder {
  stepFunctions: SFNClient;
  registry: Registry;
  events: EventBus;
  emit: EmitMetric;
  now: Date;
}

/**
 * Records how an execution ended that did not succeed: step, reason and remedy go into the subscriber's record, if it is
 * this execution's, and into an event, of an onboarding `SubscriberOnboardingFailed`.
 * @param execution as DescribeExecution returns it; FAILED, TIMED_OUT or ABORTED
 */
export async function recordExecutionFailure(
  execution: DescribeExecutionOutput,
  { stepFunctions, registry, events, emit, now }: FailureRecorder,
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
  const metric = metricOf(described);
  if (metric !== undefined) emit(metric, 1, { executionArn, step: described.step });
  // A request so wrong that it names no subscriber has no record either.
  if (userName !== undefined) {
    // When it failed, and not when that is recorded: what is shown as the attempt's end must not change.
    await failRecord(registry, userName, { ...failure, now: (execution.stopDate ?? now).toISOString() });
  }
}

/** The failures that concern all subscribers. A login of a single subscriber may rest, too, and is its own matter. */
function metricOf({ name, step }: Failure): Metric | undefined {
  if (name === 'InfinStorUnavailable') return 'InfinStorUnavailable';
  return name === 'LoginsPaused' && step === 'ObtainToken' ? 'LoginsPaused' : undefined;
}
