import { DescribeExecutionCommand, ExecutionDoesNotExist, type SFNClient } from '@aws-sdk/client-sfn';
import { OnboardingInProgress } from '../shared/errors.ts';
import type { Plan } from '../shared/plan.ts';
import { claimRecord, type Registry, readRecord } from '../shared/registry.ts';

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
  // Whatever the record says: a redriven execution runs again, though its failure is recorded.
  if (record !== undefined && !isOwn && (await isRunning(stepFunctions, record.executionArn))) {
    throw new OnboardingInProgress(userName, record.executionArn);
  }
  const claimed = await claimRecord(registry, plan, {
    previousExecutionArn: record?.executionArn,
    now: now.toISOString(),
  });
  if (claimed) return;
  const owner = (await readRecord(registry, userName))?.executionArn ?? 'another execution';
  // The claim was made, its answer was lost, and the client repeated it.
  if (owner !== plan.executionArn) throw new OnboardingInProgress(userName, owner);
}

async function isRunning(stepFunctions: SFNClient, executionArn: string): Promise<boolean> {
  try {
    const { status } = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
    return status === 'RUNNING' || status === 'PENDING_REDRIVE';
  } catch (error) {
    // History is kept for 90 days: an execution that is gone does not run.
    if (error instanceof ExecutionDoesNotExist) return false;
    throw error;
  }
}
