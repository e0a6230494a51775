import type { CloudFormationClient, StackStatus } from '@aws-sdk/client-cloudformation';
import {
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { StackFailed, StackGone, StackNeedsAttention, StackSettled } from '../errors.ts';
import { creationFailure, latestDeletion, reasonOf } from './reasons.ts';
import { isDeletionCanceled, waitOutcome } from './status.ts';
import type { Waiter } from './waiter.ts';

interface Clients {
  cloudFormation: CloudFormationClient;
  stepFunctions: SFNClient;
}

/**
 * Ends the wait of an execution when the stack's status decides it. Safe to repeat: a wait that is over already stays as
 * it is, so repeated, late and reordered events change nothing.
 * @param stack with the reason that came with the status, in an event or from DescribeStacks
 * @returns false while the status decides nothing
 */
export async function settleWait(
  { cloudFormation, stepFunctions }: Clients,
  { taskToken, goal }: Pick<Waiter, 'taskToken' | 'goal'>,
  { stackId, status, statusReason }: { stackId: string; status: StackStatus; statusReason?: string | undefined },
): Promise<boolean> {
  const isCanceled = goal === 'deleted' && isDeletionCanceled(status, statusReason);
  const outcome = isCanceled ? 'StackNeedsAttention' : waitOutcome(goal, status);
  if (outcome === 'pending') return false;
  if (outcome === 'reached') {
    await unlessOver(stepFunctions.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify({ status }) })));
    return true;
  }
  let reason = '';
  const ownReason = reasonOf(statusReason);
  if (outcome === 'StackFailed') {
    reason = `: ${(await creationFailure(cloudFormation, stackId)) ?? ownReason ?? noReason}`;
  }
  if (outcome === 'StackNeedsAttention') {
    const deletion = await latestDeletion(cloudFormation, stackId);
    // The event is of an earlier deletion: the one that is waited for has begun since.
    if (deletion.isUnderWay) return false;
    reason = `: ${deletion.failure ?? ownReason ?? noReason}`;
  }
  const { name, message } = new failures[outcome](`Stack ${stackId} is ${status}${reason}`);
  await unlessOver(stepFunctions.send(new SendTaskFailureCommand({ taskToken, error: name, cause: message })));
  return true;
}

const noReason = 'neither a resource nor the stack has reported a reason';

/** The errors that end a wait. */
const failures = { StackFailed, StackGone, StackSettled, StackNeedsAttention };

async function unlessOver(answer: Promise<unknown>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    const isOver = error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken;
    if (!isOver) throw error;
  }
}
