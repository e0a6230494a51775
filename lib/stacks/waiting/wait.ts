import type { CloudFormationClient, StackStatus } from '@aws-sdk/client-cloudformation';
import {
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { StackFailed, StackGone, StackNeedsAttention, StackNotRolledBack, StackSettled } from '../../errors.ts';
import { creationFailure, latestDeletion, ownUpdate, reasonOf } from '../reasons.ts';
import { isDeletionCanceled, stackPhase, updateOutcome, type WaitOutcome, waitOutcome } from '../status.ts';
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
  { taskToken, goal, executionArn }: Pick<Waiter, 'taskToken' | 'goal' | 'executionArn'>,
  { stackId, status, statusReason }: { stackId: string; status: StackStatus; statusReason?: string | undefined },
): Promise<boolean> {
  if (goal === 'updated') {
    const update = await updateDecision(cloudFormation, { stackId, executionArn }, status);
    if (update === undefined) return false;
    await endWait(stepFunctions, taskToken, {
      ...update,
      stackId,
      reason: `: ${update.failure ?? reasonOf(statusReason) ?? noReason}`,
    });
    return true;
  }
  const isCanceled = goal === 'deleted' && isDeletionCanceled(status, statusReason);
  const outcome = isCanceled ? 'StackNeedsAttention' : waitOutcome(goal, status);
  if (outcome === 'pending') return false;
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
  await endWait(stepFunctions, taskToken, { outcome, status, stackId, reason });
  return true;
}

/**
 * What has become of an execution's own update, where the stack's status may show its end: what is in progress is asked no further.
 * @returns undefined while it is to be waited for
 */
async function updateDecision(
  cloudFormation: CloudFormationClient,
  own: { stackId: string; executionArn: string },
  status: StackStatus,
): Promise<{ outcome: Ending; status: string; failure: string | undefined } | undefined> {
  if (waitOutcome('updated', status) === 'pending') return undefined;
  const update = await ownUpdate(cloudFormation, own);
  const phase = stackPhase(status);
  if (phase === 'deleting' || phase === 'deleted' || status === 'DELETE_FAILED')
    return { outcome: 'StackNeedsAttention', status, failure: update?.failure };
  if (update === undefined) return undefined;
  const outcome = updateOutcome(update.status);
  return outcome === 'pending' ? undefined : { ...update, outcome };
}

type Ending = Exclude<WaitOutcome, 'pending'>;

async function endWait(
  stepFunctions: SFNClient,
  taskToken: string,
  { outcome, status, stackId, reason }: { outcome: Ending; status: string; stackId: string; reason: string },
): Promise<void> {
  if (outcome === 'reached') {
    await unlessOver(stepFunctions.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify({ status }) })));
    return;
  }
  const { name, message } = new failures[outcome](`Stack ${stackId} is ${status}${reason}`);
  await unlessOver(stepFunctions.send(new SendTaskFailureCommand({ taskToken, error: name, cause: message })));
}

const noReason = 'neither a resource nor the stack has reported a reason';

/** The errors that end a wait. */
const failures = { StackFailed, StackGone, StackSettled, StackNeedsAttention, StackNotRolledBack };

async function unlessOver(answer: Promise<unknown>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    const isOver = error instanceof TaskTimedOut || error instanceof TaskDoesNotExist || error instanceof InvalidToken;
    if (!isOver) throw error;
  }
}
