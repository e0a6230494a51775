import type { CloudFormationClient, Stack as CloudFormationStack } from '@aws-sdk/client-cloudformation';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { type AccountRegion, arnOwner, roleArnIn, roleIdentity } from '../../lib/aws/arns.ts';
import { StackNeedsAttention, SubscriberNotFound } from '../../lib/errors.ts';
import { keyPolicyWriters } from '../../lib/keys/access-environment.ts';
import { grantsOf, grantsOn } from '../../lib/keys/grants.ts';
import { grantedRoles, requireWithdrawable } from '../../lib/keys/key-policy.ts';
import { readKeyPolicyOf, refusedLook } from '../../lib/keys/kms.ts';
import { requireWritable } from '../../lib/keys/writable.ts';
import type { AcceptInput } from '../../lib/plans/accept.ts';
import type { OffboardingPlan } from '../../lib/plans/offboarding.ts';
import { checkEach } from '../../lib/refusals.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { checkOffboardingRequest } from '../../lib/requests/offboarding.ts';
import { isOwn } from '../../lib/stacks/decision.ts';
import { describeLiveStack } from '../../lib/stacks/describe.ts';
import { ownershipTagsOf, stackName } from '../../lib/stacks/names.ts';
import { stackPollSeconds } from '../../lib/stacks/poll.ts';
import { isThere, stackResources } from '../../lib/stacks/resources.ts';
import { requireRetainedData } from '../../lib/stacks/retained-data.ts';
import { askedKeys } from '../../lib/subscribers/asked-keys.ts';
import { claim } from '../../lib/subscribers/claim.ts';
import { requireNotSuperseded } from '../../lib/subscribers/ownership.ts';
import { readRecord, type SubscriberRecord, withFormerStacks } from '../../lib/subscribers/record.ts';
import type { Environment } from './environment.ts';

interface Dependencies {
  environment: Environment;
  cloudFormation: (home: AccountRegion) => CloudFormationClient;
  kms: (home: AccountRegion) => KMSClient;
  stepFunctions: SFNClient;
  registry: Registry;
  now: Date;
}

/**
 * Finds what a subscriber has, checks beforehand whatever would stop its offboarding halfway, claims the subscriber for the execution
 * and returns the plan. The claim is the only side effect, and the last thing done.
 * @throws InvalidRequest, SubscriberNotFound, OnboardingInProgress, ExecutionSuperseded
 * @throws StackNeedsAttention when the stack is not the subscriber's, or protected
 * @throws DataNotRetained when the stack would take data with it that is to be kept
 * @throws RoleStillNamed when a key policy would be left with the id of a deleted role
 * @throws KeyNotUsable, KeyPolicyOrphan, KeyPolicyNotUnderstood when a key's policy cannot be changed
 * @throws KeyPolicyBusy when KMS is asked too often
 */
export async function acceptOffboarding(
  { request, executionArn, startedAt }: AcceptInput,
  { environment, cloudFormation: cloudFormationIn, kms, stepFunctions, registry, now }: Dependencies,
): Promise<OffboardingPlan> {
  const { userName: named, keepData } = checkOffboardingRequest(request);
  const record = await readRecord(registry, named);
  if (record === undefined) throw new SubscriberNotFound(named);
  // What it has is another execution's by now: whatever else might be refused of it would mislead.
  await requireNotSuperseded(stepFunctions, record, { executionArn, startedAt });
  const { userName } = record;
  const own = arnOwner(executionArn);
  const home = accountRegionOf(record) ?? own;
  const cloudFormation = cloudFormationIn(home);
  const name = stackName(environment.STACK_NAME_PREFIX, userName);
  // By its id first: the deployment may name new stacks otherwise.
  const stack = await describeLiveStack(cloudFormation, record.stackId, name);
  const tags = ownershipTagsOf(environment, userName, stack?.StackId === record.stackId ? stack : undefined);
  if (stack !== undefined) requireDeletable(stack, userName, tags);
  const stackId = stack?.StackId;
  const resources = stackId === undefined ? [] : await stackResources(cloudFormation, stackId);
  if (stackId !== undefined && keepData) await requireRetainedData(cloudFormation, stackId, resources);

  const asked = askedKeys(record);
  const grants =
    asked === undefined
      ? await grantsOf(registry, userName)
      : await grantsOn(registry, userName, [...new Set([...asked, ...(record.keyArns ?? [])])]);
  const roleArnOf = (roleName: string) =>
    roleArnIn(executionArn, home.accountId, `${environment.ROLE_PATH}${roleName}`);
  const roleArns = distinctRoles([
    ...(record.roleArn === undefined ? [] : [record.roleArn]),
    ...grants.map(({ roleArn }) => roleArn),
    ...resources
      .filter((resource) => resource.type === 'AWS::IAM::Role' && isThere(resource))
      .map(({ physicalId }) => roleArnOf(physicalId)),
    roleArnOf(`${environment.ROLE_NAME_PREFIX}${userName}`),
  ]);
  const keyArns = [...new Set([...(record.keyArns ?? []), ...grants.map(({ keyArn }) => keyArn)])];
  await checkEach(keyArns, async (keyArn) => {
    const read = await readKeyPolicyOf(kms(arnOwner(keyArn)), keyArn).catch((error: unknown) => {
      throw refusedLook(keyArn, error);
    });
    if (read === undefined) return;
    requireWithdrawable(keyArn, read.policy, roleArns);
    const identities = roleArns.map(roleIdentity);
    // Nobody writes a policy that names none of them.
    const isNamed = grantedRoles(read.policy).some((roleArn) => identities.includes(roleIdentity(roleArn)));
    if (isNamed) requireWritable(keyArn, read.policy, keyPolicyWriters(environment, arnOwner(keyArn).accountId));
  });

  // With what a repeat could not find any more, once it is deleted.
  const known = stackId ?? record.stackId;
  const claimed = { userName, executionArn, keyArns, ...optionalId(known), ...withFormerStacks(record, known) };
  await claim({ registry, stepFunctions, now, startedAt }, claimed, record);
  return {
    subscriber: { userName },
    executionArn,
    keepData,
    stack: {
      name,
      ...optionalId(claimed.stackId ?? record.offboarded?.stackId),
      ...home,
      tags,
      pollSeconds: stackPollSeconds(home, own, environment),
    },
    roleArns,
    keyArns,
  };
}

const optionalId = (stackId: string | undefined): { stackId?: string } => (stackId === undefined ? {} : { stackId });

/** Where the subscriber's stack is: the one that it has, the one that its onboarding tried to make, or the last one. */
function accountRegionOf({ stackId, home, offboarded }: SubscriberRecord): AccountRegion | undefined {
  if (stackId !== undefined) return arnOwner(stackId);
  return home ?? (offboarded?.stackId === undefined ? undefined : arnOwner(offboarded.stackId));
}

function requireDeletable(stack: CloudFormationStack, userName: string, tags: Record<string, string>): void {
  const { StackName: name, EnableTerminationProtection: isProtected } = stack;
  if (!isOwn(stack, tags)) {
    throw new StackNeedsAttention(`Stack ${name} exists and was not made by the onboarding of ${userName}`);
  }
  if (isProtected) throw new StackNeedsAttention(`Stack ${name} has termination protection`);
}

/** Each role once, with the first of its ARNs: that of IAM comes before one that was put together here, with the deployment's path. */
function distinctRoles(roleArns: readonly string[]): string[] {
  return [...new Map(roleArns.toReversed().map((roleArn) => [roleIdentity(roleArn), roleArn])).values()].reverse();
}
