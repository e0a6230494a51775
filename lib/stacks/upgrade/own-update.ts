import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { createFailure, eventsOf, failureIn } from '../reasons.ts';
import { updateToken } from './names.ts';

/** What has become of an execution's update of a stack. */
export interface OwnUpdate {
  /** The latest status of the stack in it. */
  status: string;
  /** Why it failed, in CloudFormation's words. */
  failure: string | undefined;
}

/**
 * What has become of an execution's update of a stack, by the events that carry its token: the stack's status alone may be one of before
 * it, or of what somebody else has done since.
 * @returns undefined when it has not begun
 */
export async function ownUpdate(
  cloudFormation: CloudFormationClient,
  { stackId, executionArn }: { stackId: string; executionArn: string },
): Promise<OwnUpdate | undefined> {
  const token = updateToken(executionArn);
  const failure = createFailure(stackId);
  /** Of the rollback, which comes later. */
  const ofRollback = createFailure(stackId);
  let isOfRollback = true;
  let status: string | undefined;
  for await (const event of eventsOf(cloudFormation, stackId)) {
    if (event.ClientRequestToken !== token) {
      // What is older is of others.
      if (status !== undefined) break;
      continue;
    }
    const isOfStack = event.PhysicalResourceId === stackId;
    if (isOfStack) status ??= event.ResourceStatus;
    if (isOfStack && event.ResourceStatus === 'UPDATE_ROLLBACK_IN_PROGRESS') isOfRollback = false;
    (isOfRollback ? ofRollback : failure).meet(event);
    if (isOfStack && event.ResourceStatus === 'UPDATE_IN_PROGRESS') break;
  }
  if (status === undefined) return undefined;
  const reasonIn = (nestedId: string) => failureIn(cloudFormation, nestedId);
  const [cause, second] = [await failure.describe(reasonIn), await ofRollback.describe(reasonIn)];
  if (status !== 'UPDATE_ROLLBACK_FAILED') return { status, failure: cause ?? second };
  return { status, failure: [cause, second && `the rollback: ${second}`].filter(Boolean).join('; ') || undefined };
}
