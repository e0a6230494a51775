import type { DescribeExecutionOutput, SFNClient } from '@aws-sdk/client-sfn';
import { describeExecution } from '../aws/describe-execution.ts';
import { OnboardingInProgress, SubscriberNotActive } from '../errors.ts';
import type { Origin } from '../plans/origin.ts';
import type { Registry } from '../registry/table.ts';
import { describeFailure } from './execution-failure.ts';
import { operationOf, operations, runningStatuses, type Status } from './operations.ts';
import { requireNotSuperseded, startOf } from './ownership.ts';
import { type Attempt, type Claimed, claimRecord, readRecord, type SubscriberRecord } from './record.ts';

export interface Claimant {
  registry: Registry;
  stepFunctions: SFNClient;
  now: Date;
  startedAt: string | undefined;
  /** Who asked for the execution; undefined: it was started directly. */
  origin: Origin | undefined;
}

/**
 * Makes this execution the one that works on the subscriber. Its own claim is accepted again; another execution's only when
 * that one no longer runs, and has not claimed the subscriber since this one was started.
 * @param startedAt when this execution was started, in ISO 8601; undefined: Step Functions is asked
 * @param record the subscriber's record, read just before
 * @throws ExecutionSuperseded when this execution was redriven after another one had its turn
 * @throws OnboardingInProgress while another execution runs, or when another one is claiming at this moment
 */
export async function claim(
  { registry, stepFunctions, now, startedAt, origin }: Claimant,
  claimed: Claimed,
  record: SubscriberRecord | undefined,
): Promise<void> {
  const { userName, executionArn } = claimed;
  const isOwn = record?.executionArn === executionArn;
  if (isOwn && record.status === operations[operationOf(executionArn)].running) return;
  const started = await startOf(stepFunctions, { executionArn, startedAt });
  await requireNotSuperseded(stepFunctions, record, started);
  const isClaimed = await claimRecord(registry, claimed, {
    previousExecutionArn: record?.executionArn,
    attempts: record === undefined ? [] : await endedAttempts(stepFunctions, record, executionArn),
    startedAt: started.startedAt ?? now.toISOString(),
    now: now.toISOString(),
    origin,
  });
  if (isClaimed) return;
  const owner = (await readRecord(registry, userName))?.executionArn ?? 'another execution';
  // The claim was made, its answer was lost, and the client repeated it.
  if (owner !== executionArn) throw new OnboardingInProgress(userName, owner);
}

/**
 * The record of a subscriber that is onboarded.
 * @throws SubscriberNotActive when there is none, or it has another status
 */
export function requireActive(record: SubscriberRecord | undefined, userName: string): SubscriberRecord {
  // What fails in the others leaves the subscriber active; while they run, the claim is refused.
  const active: readonly (Status | undefined)[] = ['ACTIVE', 'UPDATING', 'UPGRADING', 'ADDING_USERS'];
  if (record === undefined || !active.includes(record.status)) throw new SubscriberNotActive(userName, record?.status);
  return record;
}

/**
 * The execution that a record belongs to, which must be over; undefined when Step Functions has forgotten it.
 * @throws OnboardingInProgress while it runs
 */
export async function requireEnded(
  stepFunctions: SFNClient,
  { userName, executionArn }: Pick<SubscriberRecord, 'userName' | 'executionArn'>,
): Promise<DescribeExecutionOutput | undefined> {
  const execution = await describeExecution(stepFunctions, executionArn);
  if (execution !== undefined && isRunning(execution)) throw new OnboardingInProgress(userName, executionArn);
  return execution;
}

/** Whether an execution is not over. */
export const isRunning = ({ status }: Pick<DescribeExecutionOutput, 'status'>): boolean =>
  status === 'RUNNING' || status === 'PENDING_REDRIVE';

/**
 * The attempts of a record whose execution is over, with the end of the latest one.
 * @throws OnboardingInProgress while that execution runs
 */
async function endedAttempts(
  stepFunctions: SFNClient,
  record: SubscriberRecord,
  claimingArn: string,
): Promise<Attempt[]> {
  const { executionArn, status, updatedAt, lastError } = record;
  const latest = record.attempts.at(-1);
  const ended = (end: Partial<Attempt>): Attempt[] =>
    latest === undefined ? [] : [...record.attempts.slice(0, -1), { ...latest, ...end }];
  // Whatever the record says: a redriven execution runs again, though its failure is recorded.
  const execution = executionArn === claimingArn ? undefined : await requireEnded(stepFunctions, record);
  if (!runningStatuses.includes(status)) {
    const error = lastError && { name: lastError.name, step: lastError.step, message: lastError.message };
    if (error === undefined) return ended({ endedAt: updatedAt, status: status === 'FAILED' ? 'FAILED' : 'SUCCEEDED' });
    // As the status of the subscriber has shown it so far. The registry learns of a failure later.
    return ended({ endedAt: execution?.stopDate?.toISOString() ?? updatedAt, status: 'FAILED', error });
  }
  // It ended unseen, or is about to be recorded.
  if (execution === undefined) {
    const message = 'The execution is over, and Step Functions no longer knows how it ended';
    return ended({ status: 'FAILED', error: { name: 'ExecutionDoesNotExist', message } });
  }
  const { name, step, message } = await describeFailure(stepFunctions, execution);
  return ended({ endedAt: execution.stopDate?.toISOString(), status: 'FAILED', error: { name, step, message } });
}
