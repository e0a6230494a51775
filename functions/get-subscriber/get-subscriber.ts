import type { DescribeExecutionOutput, SFNClient } from '@aws-sdk/client-sfn';
import { executionArnOf } from '../shared/arns.ts';
import { describeExecution } from '../shared/describe-execution.ts';
import { remedyFor } from '../shared/errors.ts';
import { describeFailure, enteredLast, type Failure, requestedUserName } from '../shared/execution-failure.ts';
import { type Attempt, type Registry, readRecord, type SubscriberRecord } from '../shared/registry.ts';

interface Dependencies {
  stateMachineArn: string;
  stepFunctions: SFNClient;
  registry: Registry;
}

export interface SubscriberStatus {
  userName: string;
  status: 'ONBOARDING' | 'ACTIVE' | 'FAILED';
  executionArn: string;
  /** The state that runs now. */
  step?: string;
  error?: Omit<Failure, 'step'> & { step?: string | undefined; remedy: string };
  stackId?: string | undefined;
  roleArn?: string | undefined;
  keyArns?: string[] | undefined;
  attempts: Attempt[];
}

/**
 * How a subscriber's onboarding stands. Step Functions is asked, and not the registry alone: the registry learns of an
 * execution's end by an event, which may be late or lost.
 * @param executionName one execution of the subscriber; without it, the one that its record belongs to
 * @returns undefined when nothing is known of the subscriber, or of that execution as one of the subscriber's
 */
export async function getSubscriber(
  { userName, executionName }: { userName: string; executionName: string | undefined },
  { stateMachineArn, stepFunctions, registry }: Dependencies,
): Promise<SubscriberStatus | undefined> {
  const record = await readRecord(registry, userName);
  const executionArn =
    executionName === undefined ? record?.executionArn : executionArnOf(stateMachineArn, executionName);
  if (executionArn === undefined) return undefined;
  const execution = await describeExecution(stepFunctions, executionArn);
  const isOfRecord = record?.executionArn === executionArn;
  if (execution === undefined) return isOfRecord ? recordedStatus(record) : undefined;
  const requested = requestedUserName(execution);
  if (requested?.toLowerCase() !== userName.toLowerCase()) return undefined;
  const result = await outcome(stepFunctions, execution);
  return {
    userName: record?.userName ?? requested,
    executionArn,
    ...result,
    ...(isOfRecord && made(record)),
    attempts: (record?.attempts ?? []).map((attempt) =>
      attempt.executionArn === executionArn ? withEnd(attempt, execution, result) : attempt,
    ),
  };
}

/** The record keeps an attempt's end only when the next one begins. */
function withEnd(
  attempt: Attempt,
  { stopDate }: DescribeExecutionOutput,
  { status, error }: Pick<SubscriberStatus, 'status' | 'error'>,
): Attempt {
  if (status === 'ONBOARDING' || stopDate === undefined) return attempt;
  const reason = error && { name: error.name, step: error.step, message: error.message };
  return { ...attempt, endedAt: stopDate.toISOString(), status, ...(reason && { error: reason }) };
}

async function outcome(
  stepFunctions: SFNClient,
  execution: DescribeExecutionOutput,
): Promise<Pick<SubscriberStatus, 'status' | 'step' | 'error'>> {
  switch (execution.status) {
    case 'SUCCEEDED':
      return { status: 'ACTIVE' };
    case 'RUNNING':
    case 'PENDING_REDRIVE':
    case undefined: {
      const step = await enteredLast(stepFunctions, execution.executionArn ?? '');
      return { status: 'ONBOARDING', ...(step !== undefined && { step }) };
    }
    case 'FAILED':
    case 'TIMED_OUT':
    case 'ABORTED': {
      const failure = await describeFailure(stepFunctions, execution);
      return { status: 'FAILED', error: { ...failure, remedy: remedyFor(failure.name) } };
    }
  }
}

/** What the registry itself knows of an execution that Step Functions has forgotten, as it does after 90 days. */
function recordedStatus(record: SubscriberRecord): SubscriberStatus {
  const { userName, executionArn, status, lastError, attempts } = record;
  const forgotten = {
    name: 'ExecutionDoesNotExist',
    message: 'The execution is over, and Step Functions no longer knows how it ended',
    remedy: 'Send the request again: it goes on from what exists.',
  };
  return {
    userName,
    executionArn,
    ...(status === 'ONBOARDING'
      ? { status: 'FAILED', error: forgotten }
      : { status, ...(lastError && { error: lastError }) }),
    ...made(record),
    attempts,
  };
}

const made = ({ stackId, roleArn, keyArns }: SubscriberRecord) => ({ stackId, roleArn, keyArns });
