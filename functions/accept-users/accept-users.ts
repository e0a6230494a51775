import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { STSClient } from '@aws-sdk/client-sts';
import type * as v from 'valibot';
import type { AcceptInput } from '../../lib/plans/accept.ts';
import { correlationOf, takeOrigin } from '../../lib/plans/origin.ts';
import type { UsersPlan } from '../../lib/plans/users.ts';
import { oneError } from '../../lib/preflight/checks.ts';
import { preflightUsers } from '../../lib/preflight/users.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { claim } from '../../lib/subscribers/claim.ts';
import { requireNotSuperseded } from '../../lib/subscribers/ownership.ts';
import type { environmentSchema } from './environment.ts';

interface Dependencies {
  environment: v.InferOutput<typeof environmentSchema>;
  secrets: SecretsManagerClient;
  sts: STSClient;
  stepFunctions: SFNClient;
  registry: Registry;
  now: Date;
}

/**
 * Validates a request to add users under a subscriber, claims the subscriber for the execution and returns the plan. The claim is the only
 * side effect, and the last thing done.
 * @throws InvalidRequest, SecretNotReadable, SubscriberNotActive, OnboardingInProgress, ExecutionSuperseded
 */
export async function acceptUsers(
  { request: input, executionArn, startedAt }: AcceptInput,
  { stepFunctions, now, ...dependencies }: Dependencies,
): Promise<UsersPlan> {
  const { registry } = dependencies;
  const { request, origin } = takeOrigin(input);
  const { plan, record } = await preflightUsers(request, dependencies, {
    checks: oneError(),
    requireTurn: (found) => requireNotSuperseded(stepFunctions, found, { executionArn, startedAt }),
  });
  const claimed = { userName: plan.subscriber.userName, executionArn };
  await claim({ registry, stepFunctions, now, startedAt, origin }, claimed, record);
  return { ...plan, executionArn, ...correlationOf(origin) };
}
