import {
  type CloudFormationClient,
  paginateDescribeStackEvents,
  type StackStatus,
} from '@aws-sdk/client-cloudformation';
import {
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { StackFailed, StackGone, StackNeedsAttention, StackSettled } from './errors.ts';
import { redact } from './redact.ts';
import type { Waiter } from './registry.ts';
import { waitOutcome } from './stack-status.ts';

interface Clients {
  cloudFormation: CloudFormationClient;
  stepFunctions: SFNClient;
}

/**
 * Ends the wait of an execution when the stack's status decides it. Safe to repeat: a wait that is over already stays as
 * it is, so repeated, late and reordered events change nothing.
 * @returns false while the status decides nothing
 */
export async function settleWait(
  { cloudFormation, stepFunctions }: Clients,
  { taskToken, goal }: Pick<Waiter, 'taskToken' | 'goal'>,
  { stackId, status }: { stackId: string; status: StackStatus },
): Promise<boolean> {
  const outcome = waitOutcome(goal, status);
  if (outcome === 'pending') return false;
  if (outcome === 'reached') {
    await unlessOver(stepFunctions.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify({ status }) })));
    return true;
  }
  const reason = outcome === 'StackFailed' ? `: ${await firstFailure(cloudFormation, stackId)}` : '';
  const { name, message } = new failures[outcome](`Stack ${stackId} is ${status}${reason}`);
  await unlessOver(stepFunctions.send(new SendTaskFailureCommand({ taskToken, error: name, cause: message })));
  return true;
}

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

/**
 * The reason of the resource that failed first, in CloudFormation's words: what a person wants to see, while the later
 * failures ("Resource creation cancelled") and the stack's own reason only follow from it.
 */
async function firstFailure(cloudFormation: CloudFormationClient, stackId: string): Promise<string> {
  let reason = 'no resource has reported a reason';
  // Newest first: the last one met is the first that happened.
  for await (const { StackEvents = [] } of paginateDescribeStackEvents(
    { client: cloudFormation },
    { StackName: stackId },
  )) {
    for (const { ResourceStatus, LogicalResourceId, ResourceStatusReason, PhysicalResourceId } of StackEvents) {
      const isFailure = ResourceStatus?.endsWith('_FAILED') && PhysicalResourceId !== stackId;
      if (isFailure && ResourceStatusReason) reason = `${LogicalResourceId}: ${told(ResourceStatusReason)}`;
    }
  }
  return reason;
}

/**
 * A reason as people may read it. A custom resource gets the custom token, whose shape is not documented, and may quote it: what
 * it says is told without any long opaque word but UUIDs.
 */
function told(reason: string): string {
  if (!/custom resource/i.test(reason)) return redact(reason);
  const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
  return redact(reason).replace(/[\w+/=-]{24,}/g, (word) =>
    /\d/.test(word) && !uuid.test(word) ? '<redacted>' : word,
  );
}
