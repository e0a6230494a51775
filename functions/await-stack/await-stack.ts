import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { StackTimedOut } from '../../lib/errors.ts';
import type { Stack, WaitPlan } from '../../lib/plans/stack.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { describeStack } from '../../lib/stacks/describe.ts';
import { longestInProgress } from '../../lib/stacks/reasons.ts';
import { settleWait } from '../../lib/stacks/waiting/wait.ts';
import { putWaiter } from '../../lib/stacks/waiting/waiter.ts';

/** How long the wait's token outlives the state's timeout in the registry, in seconds: until DynamoDB may remove it. */
const graceSeconds = 60;

interface Dependencies {
  registry: Registry;
  cloudFormation: CloudFormationClient;
  stepFunctions: SFNClient;
  now: Date;
}

/**
 * Begins a wait: stores the task token under the stack's id, so that a stack event can end the wait, and then looks at the
 * stack once, since its last event may have come before the token was there. After the state's timeout the machine comes
 * here again: the slow poll that a lost event needs.
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 * @throws StackTimedOut when the deadline has passed and the stack is still in progress
 */
export async function awaitStack(
  { plan, stack, taskToken }: { plan: WaitPlan; stack: Stack; taskToken: string },
  { registry, cloudFormation, stepFunctions, now }: Dependencies,
): Promise<void> {
  const { stackId, goal, deadline } = stack;
  const expiresAt = Math.ceil(now.getTime() / 1000) + plan.stack.pollSeconds + graceSeconds;
  const { executionArn, subscriber } = plan;
  await putWaiter(registry, stackId, subscriber.userName, { taskToken, executionArn, goal, expiresAt });

  // A stack that CloudFormation no longer knows was deleted more than 90 days ago.
  const described = await describeStack(cloudFormation, stackId);
  const status = described?.StackStatus ?? 'DELETE_COMPLETE';
  const found = { stackId, status, statusReason: described?.StackStatusReason };
  const isSettled = await settleWait({ cloudFormation, stepFunctions }, { taskToken, goal, executionArn }, found);
  if (!isSettled && now.getTime() > Date.parse(deadline)) {
    const resource = await longestInProgress(cloudFormation, stackId);
    const waitsFor = resource === undefined ? '' : `: it waits for ${resource}`;
    throw new StackTimedOut(`Stack ${stackId} is still ${status} after ${deadline}${waitsFor}`);
  }
}
