import type { Stack as CloudFormationStack } from '@aws-sdk/client-cloudformation';
import { StackNeedsAttention } from '../errors.ts';
import type { Plan } from '../plans/onboarding.ts';
import type { Stack } from '../plans/stack.ts';
import { ownershipTags } from './names.ts';
import { reasonOf } from './reasons.ts';
import { stackPhase } from './status.ts';

export type StackDecision =
  | { action: 'create' }
  /** Wait for it, or go on with it when the goal is reached already. */
  | { action: 'adopt'; goal: Stack['goal'] }
  | { action: 'delete' };

/** What of the plan decides. */
type WantedStack = Pick<Plan, 'subscriber'> & {
  stack: Pick<Plan['stack'], 'name' | 'templateUrl' | 'parameters' | 'tags'>;
};

/**
 * What to do about the stack of the plan's name, from what CloudFormation says of it now.
 * @throws StackNeedsAttention when it is not ours, of another request, or in a status that only a person can resolve
 */
export function decideStack(stack: CloudFormationStack | undefined, plan: WantedStack): StackDecision {
  if (stack === undefined) return { action: 'create' };
  const status = stack.StackStatus;
  const { name } = plan.stack;
  if (status === undefined || !isOwn(stack, plan.stack.tags)) {
    throw new StackNeedsAttention(
      `Stack ${name} exists and was not made by the onboarding of ${plan.subscriber.userName}`,
    );
  }
  const samePlan = hasTag(stack, plan.stack.tags, ownershipTags.planHash);
  const phase = stackPhase(status);
  switch (phase) {
    case 'deleted':
      return { action: 'create' };
    case 'rolled-back':
      requireUnprotected(stack, name);
      return { action: 'delete' };
    case 'deleting':
      return { action: 'adopt', goal: 'deleted' };
    case 'rolling-back':
      // What comes of it can only be deleted.
      requireUnprotected(stack, name);
      return { action: 'adopt', goal: 'settled' };
    case 'busy':
      return { action: 'adopt', goal: 'settled' };
    case 'creating':
      // Of another request: live it is not wanted, and rolled back it is to be deleted.
      if (!samePlan) requireUnprotected(stack, name);
      return { action: 'adopt', goal: samePlan ? 'created' : 'settled' };
    case 'live':
      if (samePlan) return { action: 'adopt', goal: 'created' };
      throw new StackNeedsAttention(`Stack ${name} (${status}) was made from ${difference(stack, plan)}`);
    case 'stuck':
      throw new StackNeedsAttention(
        `Stack ${name} is in status ${status}, which the onboarding must not touch: ${wayOut(status)}; sending the same request does not help before${ownReason(stack)}`,
      );
  }
}

/** The stacks of these never were the subscriber's, or are being given up; one whose update has failed may be in use. */
const unfinished: ReadonlySet<string> = new Set([
  'CREATE_FAILED',
  'ROLLBACK_FAILED',
  'DELETE_FAILED',
  'REVIEW_IN_PROGRESS',
]);

const wayOut = (status: string) =>
  unfinished.has(status) ? 'remove what blocks it and delete the stack' : 'resolve that status';

function ownReason({ StackStatusReason }: CloudFormationStack): string {
  const reason = reasonOf(StackStatusReason?.trim());
  return reason === undefined ? '' : `. CloudFormation's reason: ${reason}`;
}

function requireUnprotected({ EnableTerminationProtection, StackStatus }: CloudFormationStack, name: string): void {
  if (!EnableTerminationProtection) return;
  throw new StackNeedsAttention(
    `Stack ${name} (${StackStatus}) would have to be deleted, and has termination protection`,
  );
}

/** Whether a stack was made by this deployment for this subscriber, by these tags of its plan. */
export function isOwn(stack: CloudFormationStack, tags: Record<string, string>): boolean {
  return hasTag(stack, tags, ownershipTags.deployment) && hasTag(stack, tags, ownershipTags.subscriber);
}

function hasTag({ Tags }: CloudFormationStack, tags: Record<string, string>, key: string): boolean {
  return Tags?.find(({ Key }) => Key === key)?.Value === tags[key];
}

/** How the request differs from the stack, as far as the stack's parameters show. The custom token is none of the plan's. */
function difference({ Parameters }: CloudFormationStack, { stack }: Pick<WantedStack, 'stack'>): string {
  const existing = new Map(Parameters?.map(({ ParameterKey, ParameterValue }) => [ParameterKey, ParameterValue]));
  const differing = Object.entries(stack.parameters)
    // CloudFormation masks what the template calls NoEcho: whether that differs cannot be known, and must not be shown.
    .filter(([name, value]) => existing.get(name) !== value && existing.get(name) !== '****')
    .map(([name, value]) => `${name} is "${existing.get(name) ?? ''}" in the stack and "${value}" in the request`);
  return differing.length === 0
    ? `another build than ${stack.templateUrl}, or with more parameters`
    : `other parameters: ${differing.join(', ')}`;
}
