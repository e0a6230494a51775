import {
  ChangeSetNotFoundException,
  type CloudFormationClient,
  ExecuteChangeSetCommand,
  InvalidChangeSetStatusException,
} from '@aws-sdk/client-cloudformation';
import { StackBusy, StackNeedsAttention } from '../../lib/errors.ts';
import type { ChangedStack } from '../../lib/plans/stack.ts';
import { updateToken } from '../../lib/stacks/names.ts';
import { ownUpdate } from '../../lib/stacks/reasons.ts';
import { isBusy } from '../../lib/stacks/upgrade/change-set.ts';
import type { Environment } from './environment.ts';

interface Dependencies {
  environment: Environment;
  cloudFormation: CloudFormationClient;
  now: Date;
  /** Throws when the stack is another execution's by now. */
  requireOwn: () => Promise<unknown>;
  /** @param ms how long to wait */
  wait: (ms: number) => Promise<unknown>;
}

/**
 * Begins with the update of the stack that was looked at, without waiting for it. A repeat finds that it has begun.
 * @param keys whether patch-key-policy has written the policies of the keys that the change needs
 * @throws StackNeedsAttention when somebody else has changed the stack since it was looked at
 * @throws StackBusy while something else is done to the stack
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 */
export async function executeChangeSet(
  {
    executionArn,
    stack,
    keys,
  }: { executionArn: string; stack: ChangedStack & { changeSetId: string }; keys: readonly { changed: boolean }[] },
  { environment, cloudFormation, now, requireOwn, wait }: Dependencies,
): Promise<ChangedStack> {
  const { stackId, changeSetId } = stack;
  await requireOwn();
  try {
    await cloudFormation.send(
      new ExecuteChangeSetCommand({
        StackName: stackId,
        ChangeSetName: changeSetId,
        ClientRequestToken: updateToken(executionArn),
      }),
    );
  } catch (error) {
    const isSpent = error instanceof InvalidChangeSetStatusException || error instanceof ChangeSetNotFoundException;
    // A stack that is updated is busy also when the update is this one, and the call's answer was lost.
    if (!isSpent && !isBusy(error)) throw error;
    if (!(await hasBegun({ cloudFormation, wait }, { stackId, executionArn }))) {
      if (!isSpent)
        throw new StackBusy(`CloudFormation does not begin with the upgrade of stack ${stackId} now: ${error.message}`);
      throw new StackNeedsAttention(
        `Stack ${stackId} was changed by somebody else since the upgrade was looked at, and its change set cannot be executed any more: ${error.message}`,
      );
    }
  }
  return {
    ...stack,
    hasChanges: false,
    hasGranted: keys.some(({ changed }) => changed),
    deadline: new Date(now.getTime() + environment.STACK_TIMEOUT_MINUTES * 60_000).toISOString(),
  };
}

/** The pauses before the stack's events are looked at again. */
const seenMs = [1_000, 2_000, 4_000] as const;

/** Whether this execution's call has had its effect, though its answer was lost: the stack's events may come a moment later. */
async function hasBegun(
  { cloudFormation, wait }: Pick<Dependencies, 'cloudFormation' | 'wait'>,
  own: { stackId: string; executionArn: string },
): Promise<boolean> {
  for (const pause of [...seenMs, undefined]) {
    if ((await ownUpdate(cloudFormation, own)) !== undefined) return true;
    if (pause !== undefined) await wait(pause);
  }
  return false;
}
