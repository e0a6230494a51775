import {
  type CloudFormationClient,
  paginateDescribeStackEvents,
  type StackEvent,
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
import { redact, redactOpaque } from './redact.ts';
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
 * failures ("Resource creation cancelled") and the stack's own reason only follow from it. So does the reason of a nested stack,
 * which names no more than its resource: that one's own is told.
 */
async function firstFailure(cloudFormation: CloudFormationClient, stackId: string): Promise<string> {
  return (await failureIn(cloudFormation, stackId)) ?? 'no resource has reported a reason';
}

async function failureIn(cloudFormation: CloudFormationClient, stackId: string): Promise<string | undefined> {
  let first: StackEvent | undefined;
  // Newest first: the last one met is the first that happened.
  for await (const { StackEvents = [] } of paginateDescribeStackEvents(
    { client: cloudFormation },
    { StackName: stackId },
  )) {
    for (const event of StackEvents) {
      const isFailure = event.ResourceStatus?.endsWith('_FAILED') && event.PhysicalResourceId !== stackId;
      if (isFailure && event.ResourceStatusReason) first = event;
    }
  }
  if (first === undefined) return undefined;
  const { LogicalResourceId, ResourceStatusReason = '', ResourceType, PhysicalResourceId: nestedId } = first;
  const isNested = ResourceType === 'AWS::CloudFormation::Stack' && nestedId?.startsWith('arn:');
  const reason = isNested && nestedId ? await failureIn(cloudFormation, nestedId) : undefined;
  return `${LogicalResourceId}: ${reason ?? told(ResourceStatusReason)}`;
}

/** A reason as people may read it: a custom resource gets the custom token, and may quote it. */
const told = (reason: string) => (/custom resource/i.test(reason) ? redactOpaque(reason) : redact(reason));
