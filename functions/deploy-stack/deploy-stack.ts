import { createHash } from 'node:crypto';
import {
  AlreadyExistsException,
  type CloudFormationClient,
  CloudFormationServiceException,
  type Stack as CloudFormationStack,
  CreateStackCommand,
} from '@aws-sdk/client-cloudformation';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ObjectNotReadable, type S3 } from '../../lib/aws/s3.ts';
import {
  CustomTokenExpiring,
  InvalidConfiguration,
  InvalidStepInput,
  StackNeedsAttention,
  SubscriberOutcomeUnknown,
  TemplateChanged,
  TemplateMismatch,
  TemplateNotReadable,
} from '../../lib/errors.ts';
import type { Plan } from '../../lib/plans/onboarding.ts';
import type { Stack } from '../../lib/plans/stack.ts';
import { credentialsSchema } from '../../lib/secrets/credentials.ts';
import { readSecret } from '../../lib/secrets/secrets.ts';
import { decideStack } from '../../lib/stacks/decision.ts';
import { beginDeletion } from '../../lib/stacks/delete.ts';
import { describeStack } from '../../lib/stacks/describe.ts';
import { isUnreadable, maxTemplateBytes, sha256Of, templateInput } from '../../lib/stacks/template.ts';
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
    if (!(error instanceof AlreadyExistsException)) throw refusal(error, plan);
    // An earlier try of this step created it and its answer was lost; adopted only when its tags say that it is ours.
    const existing = await describeStack(cloudFormation, stack.name);
    const decision = decideStack(existing, plan);
    // Whatever else there is to do about it is decided anew after a wait that ends immediately.
    const goal = decision.action === 'adopt' ? decision.goal : 'settled';
    return { stackId: stackIdOf(existing, plan), goal };
  }
}

/**
 * What CloudFormation refuses before it makes anything, in its words: a rule or a constraint of the template that only it could judge, the
 * copy of the template, or its role. Other errors stay as they are, such as a quota's: no stack is there that would have failed.
 */
function refusal(error: unknown, { stack }: StepPlan): unknown {
  if (!(error instanceof CloudFormationServiceException)) return error;
  if (error.name !== 'ValidationError' && error.name !== 'InsufficientCapabilitiesException') return error;
  const words = error.message;
  if (isUnreadable(error)) {
    return new TemplateNotReadable(
      `CloudFormation cannot read the copy of the template, ${stack.template?.copyUrl}: ${words}`,
    );
  }
  if (/^Role .* is invalid or cannot be assumed/.test(words)) {
    return new InvalidConfiguration(`CloudFormation cannot act as the service role of the stacks: ${words}`);
  }
  return new TemplateMismatch(`CloudFormation does not create stack ${stack.name}: ${words}`);
}

/**
 * The custom token, which must outlast the making of a stack, and the version of the secret that holds it.
 * @throws CustomTokenExpiring, SubscriberOutcomeUnknown
 */
async function customToken(
  { secrets, now }: Pick<Dependencies, 'secrets' | 'now'>,
  plan: StepPlan,
): Promise<{ token: string; version: string }> {
  const credentials = await readSecret(secrets, { secretId: plan.credentialsSecretId }, credentialsSchema);
  if (credentials?.value.state !== 'created') {
    throw new SubscriberOutcomeUnknown(`Secret ${plan.credentialsSecretId} holds no custom token`);
  }
  const { customToken, customTokenExpiresAt } = credentials.value;
  // Stryker disable next-line ConditionalExpression: for the compiler alone, because no time is before an unknown one
  if (customTokenExpiresAt !== undefined) {
    // A stack is mostly made in five minutes, and uses the token last.
    const stackMs = 15 * 60_000;
    const leftMs = Date.parse(customTokenExpiresAt) - now.getTime();
    if (leftMs < stackMs) {
      throw new CustomTokenExpiring(plan.subscriber.userName, customTokenExpiresAt, leftMs <= 0);
    }
  }
  return { token: customToken, version: credentials.versionId };
}

/** The bytes that accept-request has checked: nobody but the deployment should write the copy, and that is checked, too. */
async function checkedTemplate(s3: S3, { sha256, copyUrl }: Plan['stack']['template']) {
  const bytes = await s3.get(copyUrl, maxTemplateBytes).catch((error: unknown) => {
    if (!(error instanceof ObjectNotReadable)) throw error;
    const { code, message } = error;
    if (code === 'NoSuchKey') throw new TemplateChanged(`The deployment's copy of the template is gone: ${message}`);
    // Who may not list a bucket does not learn what is not there (S3 API reference, GetObject, "Permissions").
    const hint = code === 'AccessDenied' ? ' (S3 answers so, too, when it is gone)' : '';
    throw new TemplateNotReadable(`The deployment's copy of the template cannot be read: ${message}${hint}`);
  });
  const found = sha256Of(bytes);
  if (found === sha256) return templateInput(bytes, copyUrl);
  throw new TemplateChanged(`The deployment's copy of the template, ${copyUrl}, has SHA-256 ${found} since`);
}

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
