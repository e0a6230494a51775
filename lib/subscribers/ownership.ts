import type { SFNClient } from '@aws-sdk/client-sfn';
import { describeExecution } from '../aws/describe-execution.ts';
import { ExecutionSuperseded, OnboardingInProgress } from '../errors.ts';
import type { Planned } from '../plans/planned.ts';
import type { Registry } from '../registry/table.ts';
import { readRecord, type SubscriberRecord } from './record.ts';

/**
 * The subscriber's record, as this execution's own. Every step that changes anything asks for it first, and again before a call that
 * cannot carry the condition itself: a redrive enters a machine in the middle, long after another execution may have taken over.
 * @throws ExecutionSuperseded when it belongs to another execution
 */
export async function requireOwn(
  registry: Registry,
  { subscriber: { userName }, executionArn }: Planned,
): Promise<SubscriberRecord> {
  const record = await readRecord(registry, userName);
  if (record?.executionArn === executionArn) return record;
  throw new ExecutionSuperseded(userName, record?.executionArn);
}

/** An execution, and when it was started: a redrive does not change that. */
export interface Started {
  executionArn: string;
  /** ISO 8601; undefined where it is not known. */
  startedAt: string | undefined;
}

/**
 * Whether another execution that was started later has claimed the subscriber, or any other since this one's own claim. Both times are Step
 * Functions' own: those of functions may differ from them.
 */
export function isSuperseded(
  record: Pick<SubscriberRecord, 'executionArn' | 'attempts'> | undefined,
  { executionArn, startedAt }: Started,
): boolean {
  if (record === undefined || record.executionArn === executionArn) return false;
  if (record.attempts.some((attempt) => attempt.executionArn === executionArn)) return true;
  if (startedAt === undefined) return false;
  return record.attempts.some((attempt) => Date.parse(attempt.startedAt) > Date.parse(startedAt));
}

/** When an execution was started; one from before its machine passed the time is redriven without. */
export async function startOf(stepFunctions: SFNClient, { executionArn, startedAt }: Started): Promise<Started> {
  if (startedAt !== undefined) return { executionArn, startedAt };
  const execution = await describeExecution(stepFunctions, executionArn);
  return { executionArn, startedAt: execution?.startDate?.toISOString() };
}

/**
 * Refuses an execution that was redriven when another one had its turn already: its request is no longer the latest.
 * @throws ExecutionSuperseded
 * @throws OnboardingInProgress while that other one runs, as of two that were sent at the same time
 */
export async function requireNotSuperseded(
  stepFunctions: SFNClient,
  record: SubscriberRecord | undefined,
  { executionArn, startedAt }: Started,
): Promise<void> {
  if (record === undefined || !isSuperseded(record, { executionArn, startedAt })) return;
  const owner = await describeExecution(stepFunctions, record.executionArn);
  const isRunning = owner?.status === 'RUNNING' || owner?.status === 'PENDING_REDRIVE';
  if (isRunning) throw new OnboardingInProgress(record.userName, record.executionArn);
  throw new ExecutionSuperseded(record.userName, record.executionArn);
}
