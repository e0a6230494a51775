import type { Logger } from '@aws-lambda-powertools/logger';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { parseJson } from '../../lib/json.ts';
import { correlationOf, originIn } from '../../lib/plans/origin.ts';
import { requestedUserName } from '../../lib/subscribers/execution-failure.ts';
import { type FailureRecorder, recordExecutionFailure } from '../../lib/subscribers/failure-recorder.ts';

/**
 * The parts that are read of `Step Functions Execution Status Change`. Error and cause are in it, too, but they are those of then: the
 * execution may have been redriven since, which only DescribeExecution says, and what is too large is left out.
 */
export const executionEventSchema = v.object({
  detail: v.object({
    executionArn: v.string(),
    status: v.picklist(['FAILED', 'TIMED_OUT', 'ABORTED']),
    // Recorded, but not documented.
    redriveCount: v.nullish(v.number()),
  }),
});

/**
 * Records the failure that an event reports. It stands outside the machine, because no Catch sees aborts, timeouts and
 * States.Runtime. An execution that was redriven since is left alone.
 */
export async function recordFailure(
  { detail: { executionArn, status, redriveCount } }: v.InferOutput<typeof executionEventSchema>,
  recorder: FailureRecorder,
  logger: Logger,
): Promise<void> {
  const execution = await recorder.stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
  const origin = originIn(parseJson(execution.input ?? ''));
  logger.appendKeys({ userName: requestedUserName(execution), ...correlationOf(origin) });
  const redrives = execution.redriveCount ?? 0;
  // Redriven since: its failure's event comes late or again. Another failure has an event of its own.
  if (execution.status === 'PENDING_REDRIVE' || redrives > (redriveCount ?? redrives)) return;
  if (execution.status === 'SUCCEEDED') return;
  if (execution.status === 'RUNNING' && redrives > 0 && redriveCount == null) return;
  // DescribeExecution may lag behind the event. Lambda invokes again after an error.
  if (execution.status === 'RUNNING' || redrives < (redriveCount ?? 0))
    throw new Error(`${executionArn} still reads ${execution.status} after its ${status} event`);
  await recordExecutionFailure(execution, recorder);
}
