import type { Logger } from '@aws-lambda-powertools/logger';
import type { DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { describeExecution } from '../../lib/aws/describe-execution.ts';
import { problemsOfEach, throwTogether } from '../../lib/each.ts';
import { requestedUserName } from '../../lib/subscribers/execution-failure.ts';
import { type FailureRecorder, recordExecutionFailure } from '../../lib/subscribers/failure-recorder.ts';
import { runningStatuses } from '../../lib/subscribers/operations.ts';
import { readRecord, type SweptRecord, sweptSchema } from '../../lib/subscribers/record.ts';
import { unsettledRecords } from '../../lib/subscribers/unsettled.ts';

/** How long an execution can be redriven (Step Functions developer guide, "Redriving executions"). */
const redrivableMs = 14 * 24 * 60 * 60_000;

/**
 * Finds executions that have ended without success though their record does not say so, also after a redrive, and records the
 * failure: the events that record-failure lives on are best effort.
 * @throws AggregateError of what went wrong with single records, when all have been looked at
 */
export async function sweepExecutions(recorder: FailureRecorder, logger: Logger): Promise<void> {
  const failedSince = new Date(recorder.now.getTime() - redrivableMs).toISOString();
  const records = unsettledRecords(recorder.registry, { failedSince, now: recorder.now });
  const problems = await problemsOfEach(records, (record) => sweep(v.parse(sweptSchema, record), recorder, logger));
  throwTogether(problems, 'records could not be swept');
}

async function sweep(
  { executionArn, status, updatedAt }: SweptRecord,
  recorder: FailureRecorder,
  logger: Logger,
): Promise<void> {
  const execution = await describeExecution(recorder.stepFunctions, executionArn);
  switch (execution?.status) {
    case 'FAILED':
    case 'TIMED_OUT':
    case 'ABORTED': {
      if (isRecorded(execution, { status, updatedAt })) return;
      // The index may not have heard of it yet, or the subscriber may have another execution by now, which is then the one that counts.
      const userName = requestedUserName(execution);
      const record = userName === undefined ? undefined : await readRecord(recorder.registry, userName);
      if (record?.executionArn !== executionArn || isRecorded(execution, record)) return;
      logger.warn('execution ended unseen', { userName, executionArn, status: execution.status });
      return recordExecutionFailure(execution, recorder);
    }
    case undefined:
      // Step Functions forgets an execution after 90 days; accept-request takes its record over.
      logger.warn('execution is gone', { executionArn });
      return;
    case 'RUNNING':
    case 'PENDING_REDRIVE':
    case 'SUCCEEDED':
      return;
  }
}

/** Whether a record says how its execution has ended. */
const isRecorded = (
  { stopDate }: DescribeExecutionOutput,
  { status, updatedAt }: Pick<SweptRecord, 'status' | 'updatedAt'>,
): boolean => !runningStatuses.includes(status) && (stopDate?.toISOString() ?? '') <= updatedAt;
