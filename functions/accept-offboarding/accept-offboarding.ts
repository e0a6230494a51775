import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type * as v from 'valibot';
import type { AccountRegion } from '../../lib/aws/arns.ts';
import type { AcceptInput } from '../../lib/plans/accept.ts';
import type { OffboardingPlan } from '../../lib/plans/offboarding.ts';
import { correlationOf, takeOrigin } from '../../lib/plans/origin.ts';
import { oneError } from '../../lib/preflight/checks.ts';
import { preflightOffboarding } from '../../lib/preflight/offboarding.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { claim } from '../../lib/subscribers/claim.ts';
import { requireNotSuperseded } from '../../lib/subscribers/ownership.ts';
import type { environmentSchema } from './environment.ts';

interface Dependencies {
  environment: v.InferOutput<typeof environmentSchema>;
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
  { request: input, executionArn, startedAt }: AcceptInput,
  { stepFunctions, now, ...dependencies }: Dependencies,
): Promise<OffboardingPlan> {
  const { registry } = dependencies;
  const { request, origin } = takeOrigin(input);
  const asked = { request, ownArn: executionArn };
  const { plan, record, stackIds } = await preflightOffboarding(asked, dependencies, {
    checks: oneError(),
    requireTurn: (found) => requireNotSuperseded(stepFunctions, found, { executionArn, startedAt }),
  });
  const claimed = { userName: plan.subscriber.userName, executionArn, keyArns: plan.keyArns, ...stackIds };
  await claim({ registry, stepFunctions, now, startedAt, origin }, claimed, record);
  return { ...plan, executionArn, ...correlationOf(origin) };
}
