import type { Logger } from '@aws-lambda-powertools/logger';
import type { DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { describeExecution } from '../../lib/aws/describe-execution.ts';
import { throwTogether } from '../../lib/each.ts';
import { type Pace, paced } from '../../lib/pace.ts';
import { workInSlices } from '../../lib/registry/slices.ts';
import { requestedUserName } from '../../lib/subscribers/execution-failure.ts';
import { type FailureRecorder, recordExecutionFailure } from '../../lib/subscribers/failure-recorder.ts';
import { runningStatuses } from '../../lib/subscribers/operations.ts';
import { readRecord, type SweptRecord, sweptSchema } from '../../lib/subscribers/record.ts';
import {
  type UnsettledGroup,
  unsettledAfter,
  unsettledGroupNames,
  unsettledGroups,
} from '../../lib/subscribers/unsettled.ts';

/** How long an execution can be redriven (Step Functions developer guide, "Redriving executions"). */
const redrivableMs = 14 * 24 * 60 * 60_000;

/**
 * How often DescribeExecution is called: a third of what AWS allows an account in a Region (15 a second, 10 in most Regions, after a burst of 300 or 250: Step
 * Functions developer guide, "Quotas related to API action throttling"), and so little at the same time that the others have what they need.
 */
const describePace: Pace = { perSecond: 5, burst: 20 };
const atOnce = 5;

/**
 * How much of the function's time is left for what comes after a group, in milliseconds: records that say that something runs come first, and leave the
 * failed ones as much as these need to be gone through in an hour. The last of it is for what was begun.
 */
const leftMs: Readonly<Record<UnsettledGroup, number>> = { running: 140_000, failed: 80_000, active: 60_000 };

export interface Sweeper extends FailureRecorder {
  logger: Pick<Logger, 'info' | 'warn'>;
  /** How long the function may run yet. */
  remainingMs(): number;
  /** Milliseconds since the epoch. */
  clock(): number;
  /** Resolves when an execution may be described; default: at the pace of the sweep. */
  turn?(): Promise<void>;
}

/**
 * Finds executions that have ended without success though their record does not say so, also after a redrive, and records the
 * failure: the events that record-failure lives on are best effort. What there is no time for is the next sweep's.
 * @throws AggregateError of what went wrong with single records, when the others have been looked at
 */
export async function sweepExecutions({ logger, turn = paced(describePace), ...sweeper }: Sweeper): Promise<void> {
  const { registry, now, clock, remainingMs } = sweeper;
  const failedSince = new Date(now.getTime() - redrivableMs).toISOString();
  const problems: unknown[] = [];
  for (const group of unsettledGroupNames) {
    const done = await workInSlices(registry, {
      name: `sweep-${group}`,
      pageAfter: (after) => unsettledAfter(registry, group, { after, failedSince }),
      each: async (record) => {
        const swept = v.parse(sweptSchema, record);
        await turn();
        await sweep(swept, { ...sweeper, now: new Date(clock()) }, logger);
      },
      mayGoOn: () => remainingMs() > leftMs[group],
      atOnce,
      restMs: unsettledGroups[group].restMs,
      now: clock,
    });
    problems.push(...done.problems);
    if (done.state === 'left' || done.state === 'held')
      logger.info('records left to another sweep', { group, state: done.state });
  }
  throwTogether(problems, 'records could not be swept');
}

async function sweep(
  { executionArn, status, updatedAt }: SweptRecord,
  recorder: FailureRecorder,
  logger: Sweeper['logger'],
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
