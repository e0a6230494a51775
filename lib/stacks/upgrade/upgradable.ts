import type { Stack as CloudFormationStack } from '@aws-sdk/client-cloudformation';
import { StackNeedsAttention, StackNotRolledBack } from '../../errors.ts';
import { isOwn } from '../decision.ts';
import { stackPhase } from '../status.ts';

/**
 * Whether a change set can be made of a stack, now or when what is done to it is over.
 * @throws StackNeedsAttention, StackNotRolledBack
 */
export function requireUpgradable(stack: CloudFormationStack, userName: string, tags: Record<string, string>): void {
  const { StackId = '', StackStatus: status } = stack;
  if (!isOwn(stack, tags)) {
    throw new StackNeedsAttention(`Stack ${StackId} was not made by the onboarding of ${userName}`);
  }
  const message = `Stack ${StackId} is in status ${status}, in which CloudFormation changes nothing of it`;
  if (status === 'UPDATE_ROLLBACK_FAILED') throw new StackNotRolledBack(message);
  const phase = status === undefined ? 'stuck' : stackPhase(status);
  if (phase !== 'live' && phase !== 'busy') throw new StackNeedsAttention(message);
}
