import { createHash } from 'node:crypto';
import {
  AlreadyExistsException,
  type CloudFormationClient,
  type Stack as CloudFormationStack,
  CreateStackCommand,
} from '@aws-sdk/client-cloudformation';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { S3 } from '../../lib/aws/signed/s3.ts';
import { InvalidStepInput, StackNeedsAttention } from '../../lib/errors.ts';
import type { Plan } from '../../lib/plans/onboarding.ts';
import type { Stack } from '../../lib/plans/stack.ts';
import { goodCustomToken } from '../../lib/secrets/good-custom-token.ts';
import { checkedTemplate, refusedTemplate } from '../../lib/stacks/checked-template.ts';
import { decideStack } from '../../lib/stacks/decision.ts';
import { beginDeletion } from '../../lib/stacks/delete.ts';
import { describeStack } from '../../lib/stacks/describe.ts';
import type { Environment } from './environment.ts';

/** What this step uses of the plan. */
type StepPlan = Pick<Plan, 'subscriber' | 'executionArn' | 'credentialsSecretId'> & {
  stack: Omit<Plan['stack'], 'template'> & { template?: Plan['stack']['template'] | undefined };
};

interface Dependencies {
  environment: Environment;
  cloudFormation: CloudFormationClient;
  secrets: SecretsManagerClient;
  s3: S3;
  now: Date;
  /** Throws when the stack is another execution's by now. */
  requireOwn: () => Promise<unknown>;
}

/**
 * Brings the subscriber's stack about, without waiting for it: creates it, adopts the one of an earlier attempt, or starts
 * deleting one that was rolled back and only blocks the name.
 * @param previous the stack that this execution dealt with before, when it comes back from waiting for it
 * @returns the stack's id, what the wait is for, and when it ends
 * @throws StackNeedsAttention, CustomTokenExpiring
 * @throws TemplateChanged when the copy of the checked template is another one, or S3 says that it is gone
 * @throws TemplateNotReadable when it cannot be read
 * @throws TemplateMismatch, TemplateNotReadable, InvalidConfiguration with what CloudFormation refuses
 * @throws InvalidStepInput for a stack that is to be created in an execution that version 0.1.0 has accepted
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 */
export async function deployStack(
  { plan, stack: previous }: { plan: StepPlan; stack?: Stack | undefined },
  dependencies: Dependencies,
): Promise<Stack> {
  const { environment, cloudFormation, now, requireOwn } = dependencies;
  const deadline = new Date(now.getTime() + environment.STACK_TIMEOUT_MINUTES * 60_000).toISOString();
  const existing = await describeStack(cloudFormation, plan.stack.name);
  const decision = decideStack(existing, plan);
  switch (decision.action) {
    case 'create':
      return { ...(await createStack(plan, previous, dependencies)), deadline };
    case 'adopt':
      return { stackId: stackIdOf(existing, plan), goal: decision.goal, deadline };
    case 'delete': {
      // What is deleted is to be made anew.
      await customToken(dependencies, plan);
      const stackId = stackIdOf(existing, plan);
      await requireOwn();
      await beginDeletion(cloudFormation, { stackId, roleArn: plan.stack.serviceRoleArn });
      return { stackId, goal: 'deleted', deadline };
    }
  }
}

async function createStack(
  plan: StepPlan,
  previous: Stack | undefined,
  dependencies: Dependencies,
): Promise<Omit<Stack, 'deadline'>> {
  const { cloudFormation, s3, requireOwn } = dependencies;
  const { stack } = plan;
  const { token, version } = await customToken(dependencies, plan);
  if (stack.template === undefined) {
    throw new InvalidStepInput(
      'plan.stack.template: is required to create a stack. The execution was accepted by a version that did not check templates',
    );
  }
  const template = await checkedTemplate(s3, stack.template);
  await requireOwn();
  try {
    const { StackId } = await cloudFormation.send(
      new CreateStackCommand({
        StackName: stack.name,
        ...template,
        RoleARN: stack.serviceRoleArn,
        Capabilities: stack.capabilities,
        Parameters: [
          ...Object.entries(stack.parameters).map(([ParameterKey, ParameterValue]) => ({
            ParameterKey,
            ParameterValue,
          })),
          { ParameterKey: stack.tokenParameter, ParameterValue: token },
        ],
        Tags: Object.entries(stack.tags).map(([Key, Value]) => ({ Key, Value })),
        ClientRequestToken: requestToken(plan, previous, version),
        // A failed creation cleans up what the template would otherwise retain, so that its names are free for a repeat.
        RetainExceptOnCreate: true,
      }),
    );
    return { stackId: stackIdOf({ StackId }, plan), goal: 'created' };
  } catch (error) {
    if (!(error instanceof AlreadyExistsException)) {
      throw refusedTemplate(error, { copyUrl: stack.template.copyUrl, doing: `does not create stack ${stack.name}` });
    }
    // An earlier try of this step created it and its answer was lost; adopted only when its tags say that it is ours.
    const existing = await describeStack(cloudFormation, stack.name);
    const decision = decideStack(existing, plan);
    // Whatever else there is to do about it is decided anew after a wait that ends immediately.
    const goal = decision.action === 'adopt' ? decision.goal : 'settled';
    return { stackId: stackIdOf(existing, plan), goal };
  }
}

const customToken = ({ secrets, now }: Pick<Dependencies, 'secrets' | 'now'>, plan: StepPlan) =>
  goodCustomToken(secrets, { ...plan.subscriber, secretId: plan.credentialsSecretId, now });

/**
 * One token per attempt, predecessor and version of the secret that holds the custom token: CloudFormation refuses the token of a stack that
 * was deleted since, and one that comes with other input than before.
 */
function requestToken(plan: StepPlan, previous: Stack | undefined, version: string): string {
  const parts = [plan.executionArn, plan.stack.planHash, previous?.stackId, version];
  return `onboarding-${createHash('sha256').update(parts.join('\n')).digest('hex')}`;
}

function stackIdOf(stack: Pick<CloudFormationStack, 'StackId'> | undefined, plan: StepPlan): string {
  if (stack?.StackId === undefined)
    throw new StackNeedsAttention(`CloudFormation returned no id of stack ${plan.stack.name}`);
  return stack.StackId;
}
