import type { Logger } from '@aws-lambda-powertools/logger';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import {
  type FailureRecorder,
  recordExecutionFailure,
  requestedUserName,
} from '../../lib/subscribers/execution-failure.ts';

/** The parts that are read of `Step Functions Execution Status Change`; error and cause are not in it. */
export const executionEventSchema = v.object({
  detail: v.object({ executionArn: v.string(), status: v.picklist(['FAILED', 'TIMED_OUT', 'ABORTED']) }),
});

/**
 * Records the failure that an event reports. It stands outside the machine, as no Catch sees aborts, timeouts and
 * States.Runtime. An execution that was redriven since is left alone.
 */
export async function recordFailure(
  { detail: { executionArn, status } }: v.InferOutput<typeof executionEventSchema>,
  recorder: FailureRecorder,
  logger: Logger,
): Promise<void> {
  const execution = await recorder.stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
  logger.appendKeys({ userName: requestedUserName(execution) });
  // Redriven since: its failure's event comes late or again.
  if (execution.status === 'SUCCEEDED' || (execution.status === 'RUNNING' && execution.redriveCount)) return;
  // DescribeExecution may lag behind the event. Lambda invokes again after an error.
  if (execution.status === 'RUNNING') throw new Error(`${executionArn} still reads RUNNING after its ${status} event`);
  await recordExecutionFailure(execution, recorder);
}
