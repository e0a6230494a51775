import type { SFNClient } from '@aws-sdk/client-sfn';
import { describeExecution } from '../shared/describe-execution.ts';
import { OnboardingInProgress } from '../shared/errors.ts';
import { describeFailure } from '../shared/execution-failure.ts';
import type { Plan } from '../shared/plan.ts';
import { type Attempt, claimRecord, type Registry, readRecord, type SubscriberRecord } from '../shared/registry.ts';

/**
 * Makes this execution the one that onboards the subscriber. Its own claim is accepted again; another execution's only
 * when that one no longer runs.
 * @throws OnboardingInProgress while another execution runs, or when another one is claiming at this moment
 */
export async function claim(
  { registry, stepFunctions, now }: { registry: Registry; stepFunctions: SFNClient; now: Date },
  plan: Plan,
): Promise<void> {
  const { userName } = plan.subscriber;
  const record = await readRecord(registry, userName);
  const isOwn = record?.executionArn === plan.executionArn;
  if (isOwn && record.status === 'ONBOARDING') return;
  const claimed = await claimRecord(registry, plan, {
    previousExecutionArn: record?.executionArn,
    attempts: record === undefined ? [] : await endedAttempts(stepFunctions, record, plan),
    now: now.toISOString(),
  });
  if (claimed) return;
  const owner = (await readRecord(registry, userName))?.executionArn ?? 'another execution';
  // The claim was made, its answer was lost, and the client repeated it.
  if (owner !== plan.executionArn) throw new OnboardingInProgress(userName, owner);
}

/**
 * The attempts of a record whose execution is over, with the end of the latest one.
 * @throws OnboardingInProgress while that execution runs
 */
async function endedAttempts(stepFunctions: SFNClient, record: SubscriberRecord, plan: Plan): Promise<Attempt[]> {
  const { executionArn, status, updatedAt, lastError } = record;
  const latest = record.attempts.at(-1);
  const ended = (end: Partial<Attempt>): Attempt[] =>
    latest === undefined ? [] : [...record.attempts.slice(0, -1), { ...latest, ...end }];
  // Whatever the record says: a redriven execution runs again, though its failure is recorded.
  const execution =
    executionArn === plan.executionArn ? undefined : await describeExecution(stepFunctions, executionArn);
  if (execution?.status === 'RUNNING' || execution?.status === 'PENDING_REDRIVE') {
    throw new OnboardingInProgress(record.userName, executionArn);
  }
  if (status !== 'ONBOARDING') {
    const error = lastError && { name: lastError.name, step: lastError.step, message: lastError.message };
    return ended({ endedAt: updatedAt, status, error });
  }
  // It ended unseen, or is about to be recorded.
  if (execution === undefined) {
    const message = 'The execution is over, and Step Functions no longer knows how it ended';
    return ended({ status: 'FAILED', error: { name: 'ExecutionDoesNotExist', message } });
  }
  const { name, step, message } = await describeFailure(stepFunctions, execution);
  return ended({ endedAt: execution.stopDate?.toISOString(), status: 'FAILED', error: { name, step, message } });
}
