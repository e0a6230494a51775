import type { CloudFormationClient, Stack as CloudFormationStack } from '@aws-sdk/client-cloudformation';
import type { KMSClient } from '@aws-sdk/client-kms';
import * as v from 'valibot';
import { type AccountRegion, arnOwner, roleArnIn, roleIdentity } from '../aws/arns.ts';
import { deploymentEnvironment } from '../aws/deployment-environment.ts';
import { StackNeedsAttention, SubscriberNotFound } from '../errors.ts';
import { keyPolicyWriters, keyPolicyWritersEnvironment, roleArnEnvironment } from '../keys/access-environment.ts';
import { grantsOf, grantsOn } from '../keys/grants.ts';
import { grantedRoles, requireWithdrawable } from '../keys/key-policy.ts';
import { readKeyPolicyOf, refusedLook } from '../keys/kms.ts';
import type { KeyPolicy } from '../keys/policy-document.ts';
import { requireWritable } from '../keys/writable.ts';
import type { OffboardingPlan } from '../plans/offboarding.ts';
import { registryEnvironmentSchema } from '../registry/environment.ts';
import type { Registry } from '../registry/table.ts';
import { checkOffboardingRequest } from '../requests/offboarding.ts';
import { secretPrefixEnvironment } from '../secrets/environment.ts';
import { isOwn } from '../stacks/decision.ts';
import { describeLiveStack } from '../stacks/describe.ts';
import { stackNameEnvironment } from '../stacks/environment.ts';
import { ownershipTagsOf, stackName } from '../stacks/names.ts';
import { stackPollEnvironment, stackPollSeconds } from '../stacks/poll.ts';
import { isThere, type StackResource, stackResources } from '../stacks/resources.ts';
import { requireRetainedData } from '../stacks/retained-data.ts';
import { askedKeys } from '../subscribers/asked-keys.ts';
import { readRecord, type SubscriberRecord, withFormerStacks } from '../subscribers/record.ts';
import type { Checks } from './checks.ts';

/** What the checks of a request for an offboarding need to know of the deployment. */
export const offboardingEnvironmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...stackPollEnvironment,
  ...secretPrefixEnvironment,
  ...deploymentEnvironment,
  ...stackNameEnvironment,
  ...roleArnEnvironment,
  ...keyPolicyWritersEnvironment,
});

interface Dependencies {
  environment: v.InferOutput<typeof offboardingEnvironmentSchema>;
  cloudFormation: (home: AccountRegion) => CloudFormationClient;
  kms: (home: AccountRegion) => KMSClient;
  registry: Registry;
}

/** What was seen of the world, and what an offboarding is to do in it. */
export interface SeenOffboarding {
  plan: Omit<OffboardingPlan, 'executionArn'>;
  record: SubscriberRecord;
  /** What the record is to know of the stacks: a repeat could not find it any more once it is deleted. */
  stackIds: { stackId?: string; formerStackIds?: string[] };
  /** The live stack's. */
  resources: StackResource[];
  /** The policies in force, of the keys that are there. */
  policies: ReadonlyMap<string, KeyPolicy>;
}

/**
 * Looks at what a subscriber has, and at whatever would stop its offboarding halfway, and changes nothing.
 * @param requireTurn refuses the request for the sake of somebody else's work on the subscriber
 * @throws InvalidRequest, SubscriberNotFound, AccountNotAccessible, StackNeedsAttention, DataNotRetained, RoleStillNamed, KeyNotUsable, KeyPolicyOrphan, KeyPolicyNotUnderstood, by way of `checks`
 * @throws KeyPolicyBusy when KMS is asked too often
 */
export async function preflightOffboarding(
  { request, ownArn }: { request: unknown; ownArn: string },
  { environment, cloudFormation: cloudFormationIn, kms, registry }: Dependencies,
  { checks, requireTurn }: { checks: Checks; requireTurn: (record: SubscriberRecord) => Promise<void> },
): Promise<SeenOffboarding> {
  const parsed = await checks.attempt(() => checkOffboardingRequest(request));
  checks.settle();
  const { userName: named, keepData } = parsed();
  const found = await checks.attempt(async () => {
    const known = await readRecord(registry, named);
    if (known === undefined) throw new SubscriberNotFound(named);
    return known;
  });
  checks.settle();
  const record = found();
  // What it has is another execution's by now: whatever else might be refused of it would mislead.
  await checks.attempt(() => requireTurn(record));
  const { userName } = record;
  const own = arnOwner(ownArn);
  const home = accountRegionOf(record) ?? own;
  const cloudFormation = cloudFormationIn(home);
  const name = stackName(environment.STACK_NAME_PREFIX, userName);
  // By its id first: the deployment may name new stacks otherwise.
  const live = await checks.attempt(() => describeLiveStack(cloudFormation, record.stackId, name));
  const tags = await checks.attempt(() =>
    ownershipTagsOf(environment, userName, live()?.StackId === record.stackId ? live() : undefined),
  );
  await checks.attempt(() => {
    const stack = live();
    if (stack !== undefined) requireDeletable(stack, userName, tags());
  });
  const resources = await checks.attempt(async () => {
    const stackId = live()?.StackId;
    return stackId === undefined ? [] : await stackResources(cloudFormation, stackId);
  });
  await checks.attempt(async () => {
    const stackId = live()?.StackId;
    if (stackId !== undefined && keepData) await requireRetainedData(cloudFormation, stackId, resources());
  });

  const asked = askedKeys(record);
  const grants =
    asked === undefined
      ? await grantsOf(registry, userName)
      : await grantsOn(registry, userName, [...new Set([...asked, ...(record.keyArns ?? [])])]);
  const roleArnOf = (roleName: string) => roleArnIn(ownArn, home.accountId, `${environment.ROLE_PATH}${roleName}`);
  const roleArns = await checks.attempt(() =>
    distinctRoles([
      ...(record.roleArn === undefined ? [] : [record.roleArn]),
      ...grants.map(({ roleArn }) => roleArn),
      ...resources()
        .filter((resource) => resource.type === 'AWS::IAM::Role' && isThere(resource))
        .map(({ physicalId }) => roleArnOf(physicalId)),
      roleArnOf(`${environment.ROLE_NAME_PREFIX}${userName}`),
    ]),
  );
  const keyArns = [...new Set([...(record.keyArns ?? []), ...grants.map(({ keyArn }) => keyArn)])];
  const policies = new Map<string, KeyPolicy>();
  for (const keyArn of keyArns) {
    await checks.attempt(async () => {
      const read = await readKeyPolicyOf(kms(arnOwner(keyArn)), keyArn).catch((error: unknown) => {
        throw refusedLook(keyArn, error);
      });
      if (read === undefined) return;
      policies.set(keyArn, read.policy);
      requireWithdrawable(keyArn, read.policy, roleArns());
      const identities = roleArns().map(roleIdentity);
      // Nobody writes a policy that names none of them.
      const isNamed = grantedRoles(read.policy).some((roleArn) => identities.includes(roleIdentity(roleArn)));
      if (isNamed) requireWritable(keyArn, read.policy, keyPolicyWriters(environment, arnOwner(keyArn).accountId));
    });
  }
  checks.settle();

  const known = live()?.StackId ?? record.stackId;
  const stackIds = { ...optionalId(known), ...withFormerStacks(record, known) };
  return {
    record,
    stackIds,
    resources: resources(),
    policies,
    plan: {
      subscriber: { userName },
      keepData,
      stack: {
        name,
        ...optionalId(stackIds.stackId ?? record.offboarded?.stackId),
        ...home,
        tags: tags(),
        pollSeconds: stackPollSeconds(home, own, environment),
      },
      roleArns: roleArns(),
      keyArns,
    },
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
