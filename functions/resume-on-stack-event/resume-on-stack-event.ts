import type { Logger } from '@aws-lambda-powertools/logger';
import { type CloudFormationClient, StackStatus } from '@aws-sdk/client-cloudformation';
import type { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import type { Registry } from '../../lib/registry/table.ts';
import { settleWait } from '../../lib/stacks/waiting/wait.ts';
import { readWaiter } from '../../lib/stacks/waiting/waiter.ts';

/** The parts that are read of `CloudFormation Stack Status Change` (CloudFormation user guide, "CloudFormation events"). */
export const stackEventSchema = v.object({
  detail: v.object({
    'stack-id': v.string(),
    'status-details': v.object({ status: v.enum(StackStatus), 'status-reason': v.optional(v.string()) }),
  }),
});

interface Dependencies {
  registry: Registry;
  cloudFormation: CloudFormationClient;
  stepFunctions: SFNClient;
  logger: Logger;
  now: Date;
}

/** Ends the wait for a stack when the event's status decides it; events that nobody waits for are ignored. */
export async function resumeOnStackEvent(
  { detail }: v.InferOutput<typeof stackEventSchema>,
  { registry, cloudFormation, stepFunctions, logger, now }: Dependencies,
): Promise<void> {
  const stackId = detail['stack-id'];
  const waiter = await readWaiter(registry, stackId, now);
  if (waiter === undefined) return;
  logger.appendKeys({ executionArn: waiter.executionArn, userName: waiter.userName });
  const { status, 'status-reason': statusReason } = detail['status-details'];
  await settleWait({ cloudFormation, stepFunctions }, waiter, { stackId, status, statusReason });
}
