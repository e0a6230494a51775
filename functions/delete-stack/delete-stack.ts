import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { StackNeedsAttention } from '../../lib/errors.ts';
import type { OffboardingPlan } from '../../lib/plans/offboarding.ts';
import type { Stack } from '../../lib/plans/stack.ts';
import { isOwn } from '../../lib/stacks/decision.ts';
import { beginDeletion } from '../../lib/stacks/delete.ts';
import { describeStack } from '../../lib/stacks/describe.ts';
import { stackServiceRoleArn } from '../../lib/stacks/environment.ts';
import { stackResources } from '../../lib/stacks/resources.ts';
import { requireRetainedData } from '../../lib/stacks/retained-data.ts';
import { stackPhase } from '../../lib/stacks/status.ts';
import type { Environment } from './environment.ts';

interface Dependencies {
  environment: Environment;
  cloudFormation: CloudFormationClient;
  now: Date;
  /** Throws when the stack is another execution's by now. */
  requireOwn: () => Promise<unknown>;
}

/**
 * Begins with the deletion of the subscriber's stack, without waiting for it. A stack that something else is done to is waited for
 * first. Where there is no stack, the wait for its deletion ends immediately.
 * @returns the stack's id (its name, where nobody knows of one), what the wait is for, and when it ends
 * @throws DataNotRetained when the stack was changed since the offboarding was accepted, or is only complete now
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 * @throws StackNeedsAttention when another stack has the name now, or it is protected since
 */
export async function deleteStack(
  { subscriber, keepData, stack: planned }: Pick<OffboardingPlan, 'subscriber' | 'keepData' | 'stack'>,
  { environment, cloudFormation, now, requireOwn }: Dependencies,
): Promise<Stack> {
  const deadline = new Date(now.getTime() + environment.STACK_TIMEOUT_MINUTES * 60_000).toISOString();
  const asked = planned.stackId ?? planned.name;
  const stack = await describeStack(cloudFormation, asked);
  if (stack?.StackId === undefined || stack.StackStatus === undefined)
    return { stackId: asked, goal: 'deleted', deadline };
  const { StackId: stackId } = stack;
  const phase = stackPhase(stack.StackStatus);
  // Nothing is done to it, whatever tags it had.
  if (phase === 'deleted') return { stackId, goal: 'deleted', deadline };
  if (!isOwn(stack, planned.tags)) {
    throw new StackNeedsAttention(`Stack ${asked} was not made by the onboarding of ${subscriber.userName}`);
  }
  switch (phase) {
    case 'deleting':
      return { stackId, goal: 'deleted', deadline };
    case 'creating':
    case 'rolling-back':
    case 'busy':
      return { stackId, goal: 'settled', deadline };
    case 'live':
    case 'rolled-back':
    case 'stuck':
      // Once more, when it is about to happen.
      if (keepData) await requireRetainedData(cloudFormation, stackId, await stackResources(cloudFormation, stackId));
      await requireOwn();
      await beginDeletion(cloudFormation, { stackId, roleArn: stackServiceRoleArn(environment, planned.accountId) });
      return { stackId, goal: 'deleted', deadline };
  }
}
