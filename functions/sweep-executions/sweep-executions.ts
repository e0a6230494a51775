import type { Logger } from '@aws-lambda-powertools/logger';

import { describeExecution } from '../shared/describe-execution.ts';
import { type FailureRecorder, recordExecutionFailure } from '../shared/execution-failure.ts';
import { onboardingExecutions } from '../shared/registry.ts';

/**
 * Finds records that say ONBOARDING though their execution has ended without success, and records the failure: the events
 * that record-failure lives on are best effort.
 */
export async function sweepExecutions(recorder: FailureRecorder, logger: Logger): Promise<void> {
  for await (const executionArn of onboardingExecutions(recorder.registry)) {
    const execution = await describeExecution(recorder.stepFunctions, executionArn);
    switch (execution?.status) {
      case 'FAILED':
      case 'TIMED_OUT':
      case 'ABORTED':
        logger.warn('execution ended unseen', { executionArn, status: execution.status });
        await recordExecutionFailure(execution, recorder);
        break;
      case undefined:
        // Step Functions forgets an execution after 90 days; accept-request takes its record over.
        logger.warn('execution is gone', { executionArn });
        break;
      case 'RUNNING':
      case 'PENDING_REDRIVE':
      case 'SUCCEEDED':
        break;
    }
  }
}
