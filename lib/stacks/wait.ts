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
import { StackFailed, StackGone, StackNeedsAttention, StackSettled } from '../errors.ts';
import { redact, redactOpaque } from '../redact.ts';
import { waitOutcome } from './status.ts';
import type { Waiter } from './waiter.ts';

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
  let reason = '';
  if (outcome === 'StackFailed') reason = `: ${await firstFailure(cloudFormation, stackId)}`;
  if (outcome === 'StackNeedsAttention') {
    const deletion = await latestDeletion(cloudFormation, stackId);
    // The event is of an earlier deletion: the one that is waited for has begun since.
    if (deletion.isUnderWay) return false;
    reason = `: ${deletion.failure ?? noReason}`;
  }
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
  return (await failureIn(cloudFormation, stackId)) ?? noReason;
}

const noReason = 'no resource has reported a reason';

async function failureIn(cloudFormation: CloudFormationClient, stackId: string): Promise<string | undefined> {
  let first: StackEvent | undefined;
  // Newest first: the last one met is the first that happened.
  for await (const event of eventsOf(cloudFormation, stackId)) if (isFailure(event, stackId)) first = event;
  return first && describeFailure(first, (nestedId) => failureIn(cloudFormation, nestedId));
}

/** What became of a stack's latest deletion: whether it goes on, and the reason of the resource that failed first in it. */
async function latestDeletion(
  cloudFormation: CloudFormationClient,
  stackId: string,
): Promise<{ isUnderWay: boolean; failure: string | undefined }> {
  let first: StackEvent | undefined;
  let isUnderWay: boolean | undefined;
  for await (const event of eventsOf(cloudFormation, stackId)) {
    const { ResourceStatus, PhysicalResourceId } = event;
    const isOfStack = PhysicalResourceId === stackId;
    if (isOfStack) isUnderWay ??= ResourceStatus === 'DELETE_IN_PROGRESS';
    // It begins here: what failed before is of the creation, or of an earlier deletion.
    if (isOfStack && ResourceStatus === 'DELETE_IN_PROGRESS') break;
    if (isFailure(event, stackId)) first = event;
  }
  const failure =
    first &&
    (await describeFailure(first, async (nestedId) => (await latestDeletion(cloudFormation, nestedId)).failure));
  return { isUnderWay: isUnderWay ?? false, failure };
}

/** The events of a stack, newest first. */
async function* eventsOf(cloudFormation: CloudFormationClient, stackId: string): AsyncGenerator<StackEvent> {
  const pages = paginateDescribeStackEvents({ client: cloudFormation }, { StackName: stackId });
  for await (const { StackEvents = [] } of pages) yield* StackEvents;
}

function isFailure({ ResourceStatus, PhysicalResourceId, ResourceStatusReason }: StackEvent, stackId: string): boolean {
  const isOfResource = ResourceStatus?.endsWith('_FAILED') && PhysicalResourceId !== stackId;
  return Boolean(isOfResource && ResourceStatusReason);
}

async function describeFailure(
  { LogicalResourceId, ResourceStatusReason = '', ResourceType, PhysicalResourceId: nestedId }: StackEvent,
  reasonIn: (nestedId: string) => Promise<string | undefined>,
): Promise<string> {
  const isNested = ResourceType === 'AWS::CloudFormation::Stack' && nestedId?.startsWith('arn:');
  const reason = isNested && nestedId ? await reasonIn(nestedId) : undefined;
  return `${LogicalResourceId}: ${reason ?? told(ResourceStatusReason)}`;
}

/** A reason as people may read it: a custom resource gets the custom token, and may quote it. */
const told = (reason: string) => (/custom resource/i.test(reason) ? redactOpaque(reason) : redact(reason));
