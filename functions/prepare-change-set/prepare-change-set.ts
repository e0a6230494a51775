import { setTimeout as wait } from 'node:timers/promises';
import {
  AlreadyExistsException,
  type CloudFormationClient,
  CreateChangeSetCommand,
} from '@aws-sdk/client-cloudformation';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { S3 } from '../../lib/aws/signed/s3.ts';
import { StackBusy, StackNeedsAttention, TemplateMismatch, UpgradeWouldReplace } from '../../lib/errors.ts';
import { listed } from '../../lib/faults.ts';
import type { ChangedStack } from '../../lib/plans/stack.ts';
import type { UpgradePlan } from '../../lib/plans/upgrade.ts';
import { checkedTemplate, refusedTemplate } from '../../lib/stacks/checked-template.ts';
import { describeLiveStack } from '../../lib/stacks/describe.ts';
import { changeSetName } from '../../lib/stacks/names.ts';
import {
  type DescribedChangeSet,
  deleteChangeSet,
  describeChangeSet,
  hasNoChanges,
  isBusy,
} from '../../lib/stacks/upgrade/change-set.ts';
import { isAllowed, lossEntry, lossName, lossText } from '../../lib/stacks/upgrade/changes.ts';
import { requireUpgradable } from '../../lib/stacks/upgrade/upgradable.ts';
import type { Environment } from './environment.ts';
import { requireKeptTokenLasts, tokenParameterOf } from './token-parameter.ts';

interface Dependencies {
  environment: Environment;
  cloudFormation: CloudFormationClient;
  secrets: SecretsManagerClient;
  s3: S3;
  now: Date;
  /** Throws when the stack is another execution's by now. */
  requireOwn: () => Promise<unknown>;
}

/** The pauses before CloudFormation is asked again for a change set that it prepares: mostly that takes some seconds. */
const preparedMs = [1_000, 2_000, 3_000, 5_000, 5_000, 10_000] as const;

/**
 * Has CloudFormation say what the upgrade would change, and changes nothing: a change set, which is named by the execution, so that a repeat
 * finds it again. One that must not be executed is deleted.
 * @returns the stack, with the change set; without one where the stack is as it is to be
 * @throws UpgradeWouldReplace when it would replace or remove what the request does not allow
 * @throws StackBusy while something else is done to the stack, or CloudFormation prepares the change set
 * @throws StackNeedsAttention, StackNotRolledBack when nothing can be changed of the stack
 * @throws TemplateMismatch, TemplateNotReadable, TemplateChanged, InvalidConfiguration with what CloudFormation refuses
 * @throws CustomTokenExpiring, SubscriberOutcomeUnknown, InvalidRequest when the stack needs a custom token, also since its custom resource is called
 * with it, and there is none that is good
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 */
export async function prepareChangeSet(plan: UpgradePlan, dependencies: Dependencies): Promise<ChangedStack> {
  const { environment, cloudFormation, now } = dependencies;
  const { stackId } = plan.stack;
  const deadline = new Date(now.getTime() + environment.STACK_TIMEOUT_MINUTES * 60_000).toISOString();
  const name = changeSetName(plan.executionArn);
  const found = await describeChangeSet(cloudFormation, { name, stackId });
  // Of an earlier try, after which somebody else has changed the stack: it says nothing of the stack any more.
  const isOutdated = found?.executionStatus === 'OBSOLETE';
  if (found !== undefined && isOutdated) await deleteChangeSet(cloudFormation, { name: found.changeSetId, stackId });
  if (found === undefined || isOutdated) await createChangeSet(plan, name, dependencies);
  const changeSet = await prepared(cloudFormation, { name, stackId });
  const unchanged = { stackId, goal: 'updated', deadline, hasChanges: false, hasGranted: false, replaced: [] } as const;
  const given = { name: changeSet.changeSetId, stackId };
  if (changeSet.status === 'FAILED') {
    await deleteChangeSet(cloudFormation, given);
    if (hasNoChanges(changeSet)) return { ...unchanged, replaced: [] };
    throw new TemplateMismatch(
      `CloudFormation cannot prepare the upgrade of stack ${stackId}: ${changeSet.statusReason}`,
    );
  }
  const refused = changeSet.losses.filter((loss) => !isAllowed(loss, plan.allow));
  if (refused.length > 0) {
    await deleteChangeSet(cloudFormation, given);
    throw new UpgradeWouldReplace(stackId, listed(refused.map(lossText), ', '), refused.map(lossName));
  }
  if (changeSet.customResources.length > 0) {
    try {
      await requireKeptTokenLasts(plan, dependencies);
    } catch (error) {
      await deleteChangeSet(cloudFormation, given);
      throw error;
    }
  }
  return {
    ...unchanged,
    hasChanges: true,
    changeSetId: changeSet.changeSetId,
    replaced: changeSet.losses.map(lossEntry),
  };
}

async function createChangeSet(plan: UpgradePlan, name: string, dependencies: Dependencies): Promise<void> {
  const { cloudFormation, s3, requireOwn } = dependencies;
  const { stack, subscriber } = plan;
  const existing = await describeLiveStack(cloudFormation, stack.stackId);
  if (existing === undefined)
    throw new StackNeedsAttention(`Stack ${stack.stackId} of subscriber ${subscriber.userName} is gone`);
  requireUpgradable(existing, subscriber.userName, stack.tags);
  // Only of what is at rest can a change set be made; the clean-up of an update is its last part.
  if (existing.StackStatus?.endsWith('_IN_PROGRESS')) {
    throw new StackBusy(`Stack ${stack.stackId} is ${existing.StackStatus}: something else is done to it`);
  }
  const token = await tokenParameterOf(plan, existing, dependencies);
  const template = await checkedTemplate(s3, stack.template);
  await requireOwn();
  try {
    await cloudFormation.send(
      new CreateChangeSetCommand({
        StackName: stack.stackId,
        ChangeSetName: name,
        ChangeSetType: 'UPDATE',
        ...template,
        RoleARN: stack.serviceRoleArn,
        Capabilities: stack.capabilities,
        Parameters: [
          ...Object.entries(stack.parameters).map(([ParameterKey, ParameterValue]) => ({
            ParameterKey,
            ParameterValue,
          })),
          ...stack.kept.map((ParameterKey) => ({ ParameterKey, UsePreviousValue: true })),
          token,
        ],
        Tags: Object.entries(stack.tags).map(([Key, Value]) => ({ Key, Value })),
        Description: `Upgrade of subscriber ${subscriber.userName} to build ${stack.build}`,
        ...(stack.nestsStacks && { IncludeNestedStacks: true }),
      }),
    );
  } catch (error) {
    // An earlier try of this step made it, and its answer was lost.
    if (error instanceof AlreadyExistsException) return;
    if (isBusy(error))
      throw new StackBusy(`CloudFormation makes no change set of stack ${stack.stackId} now: ${error.message}`);
    throw refusedTemplate(error, {
      copyUrl: stack.template.copyUrl,
      doing: `does not prepare the upgrade of stack ${stack.name}`,
    });
  }
}

/** The change set, when CloudFormation has prepared it or has failed to. @throws StackBusy */
async function prepared(
  cloudFormation: CloudFormationClient,
  { name, stackId }: { name: string; stackId: string },
): Promise<DescribedChangeSet> {
  for (const pause of [...preparedMs, undefined]) {
    const changeSet = await describeChangeSet(cloudFormation, { name, stackId });
    if (changeSet?.status === 'CREATE_COMPLETE' || changeSet?.status === 'FAILED') return changeSet;
    if (pause !== undefined) await wait(pause);
  }
  throw new StackBusy(`CloudFormation still prepares the change set ${name} of stack ${stackId}`);
}
