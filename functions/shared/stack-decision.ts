import type { Stack as CloudFormationStack } from '@aws-sdk/client-cloudformation';
import { StackNeedsAttention } from './errors.ts';
import type { Plan, Stack } from './plan.ts';
import { stackPhase } from './stack-status.ts';

/** The tags by which a stack is recognised as ours, and its request as the same. */
export const ownershipTags = {
  subscriber: 'infinstor-onboarding:subscriber',
  planHash: 'infinstor-onboarding:plan-hash',
} as const;

export type StackDecision =
  | { action: 'create' }
  /** Wait for it, or go on with it when the goal is reached already. */
  | { action: 'adopt'; goal: Stack['goal'] }
  | { action: 'delete' };

/**
 * What to do about the stack of the plan's name, from what CloudFormation says of it now.
 * @throws StackNeedsAttention when it is not ours, of another request, or in a status that only a person can resolve
 */
export function decideStack(stack: CloudFormationStack | undefined, plan: Plan): StackDecision {
  if (stack === undefined) return { action: 'create' };
  const tags = new Map(stack.Tags?.map(({ Key, Value }) => [Key, Value]));
  const status = stack.StackStatus;
  const { name } = plan.stack;
  if (status === undefined || tags.get(ownershipTags.subscriber) !== plan.subscriber.userName.toLowerCase()) {
    throw new StackNeedsAttention(
      `Stack ${name} exists and was not made by the onboarding of ${plan.subscriber.userName}`,
    );
  }
  const samePlan = tags.get(ownershipTags.planHash) === plan.stack.planHash;
  const phase = stackPhase(status);
  switch (phase) {
    case 'deleted':
      return { action: 'create' };
    case 'rolled-back':
      return { action: 'delete' };
    case 'deleting':
      return { action: 'adopt', goal: 'deleted' };
    case 'rolling-back':
    case 'busy':
      return { action: 'adopt', goal: 'settled' };
    case 'creating':
      return { action: 'adopt', goal: samePlan ? 'created' : 'settled' };
    case 'live':
      if (samePlan) return { action: 'adopt', goal: 'created' };
      throw new StackNeedsAttention(
        `Stack ${name} (${status}) was made from another build or other parameters than this request's`,
      );
    case 'stuck':
      throw new StackNeedsAttention(`Stack ${name} is in status ${status}, which the onboarding must not touch`);
  }
}
