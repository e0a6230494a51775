import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { DescribeExecutionCommand, paginateGetExecutionHistory, type SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { remedyFor } from '../shared/errors.ts';
import { json } from '../shared/json.ts';
import { publishEvent } from '../shared/publish-event.ts';
import { failRecord, type Registry } from '../shared/registry.ts';
import { causeMessage, lastState } from './failure.ts';

/** The parts that are read of `Step Functions Execution Status Change`; error and cause are not in it. */
export const executionEventSchema = v.object({
  detail: v.object({ executionArn: v.string(), status: v.picklist(['FAILED', 'TIMED_OUT', 'ABORTED']) }),
});

// A longer name was refused with its request, and DynamoDB would refuse it as a key.
const requestSchema = json(v.object({ subscriber: v.object({ userName: v.pipe(v.string(), v.maxLength(34)) }) }));

interface Dependencies {
  stepFunctions: SFNClient;
  registry: Registry;
  events: EventBridgeClient;
  now: Date;
}

/**
 * Records how an execution ended that did not succeed: step, reason and remedy go into the subscriber's record, if it is
 * this execution's, and into a `SubscriberOnboardingFailed` event. It stands outside the machine, as no Catch sees aborts,
 * timeouts and States.Runtime. An execution that a redrive has brought to success since is left alone.
 */
export async function recordFailure(
  { detail: { executionArn, status } }: v.InferOutput<typeof executionEventSchema>,
  { stepFunctions, registry, events, now }: Dependencies,
): Promise<void> {
  const execution = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
  // Redriven since: its failure's event comes late or again.
  if (execution.status === 'SUCCEEDED' || (execution.status === 'RUNNING' && execution.redriveCount)) return;
  // DescribeExecution may lag behind the event. Lambda invokes again after an error.
  if (execution.status === 'RUNNING') throw new Error(`${executionArn} still reads RUNNING after its ${status} event`);
  const request = v.safeParse(requestSchema, execution.input);
  const userName = request.success ? request.output.subscriber.userName : undefined;
  const name = execution.error ?? (status === 'TIMED_OUT' ? 'States.Timeout' : status);
  const failure = {
    executionArn,
    name,
    step: (await failedStep(stepFunctions, executionArn)) ?? 'AcceptRequest',
    message: causeMessage(execution.cause),
    remedy: remedyFor(name),
  };
  // A request so wrong that it names no subscriber has no record either.
  if (userName !== undefined) await failRecord(registry, userName, { ...failure, now: now.toISOString() });
  await publishEvent(events, 'SubscriberOnboardingFailed', { userName, ...failure });
}

async function failedStep(stepFunctions: SFNClient, executionArn: string): Promise<string | undefined> {
  const pages = paginateGetExecutionHistory(
    { client: stepFunctions },
    { executionArn, reverseOrder: true, includeExecutionData: false },
  );
  for await (const { events = [] } of pages) {
    const state = lastState(events);
    if (state !== undefined) return state;
  }
  return undefined;
}
