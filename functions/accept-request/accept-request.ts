import type { Logger } from '@aws-lambda-powertools/logger';
import { executionNameOf } from '../../lib/aws/arns.ts';
import type { S3 } from '../../lib/aws/signed/s3.ts';
import type { AcceptInput } from '../../lib/plans/accept.ts';
import type { Plan } from '../../lib/plans/onboarding.ts';
import { correlationOf, takeOrigin } from '../../lib/plans/origin.ts';
import { oneError } from '../../lib/preflight/checks.ts';
import { type OnboardingDependencies, preflightOnboarding } from '../../lib/preflight/onboarding.ts';
import { reserveRoom } from '../../lib/preflight/reserve-room.ts';
import { withAskedKeys } from '../../lib/subscribers/asked-keys.ts';
import { claim } from '../../lib/subscribers/claim.ts';
import { requireNotSuperseded } from '../../lib/subscribers/ownership.ts';

type Dependencies = OnboardingDependencies & { s3: S3; logger: Logger };

/**
 * Validates a request, checks beforehand whatever can be known before the irreversible call, claims the subscriber for the
 * execution, reserves its places on the keys, and returns the plan. Claim and reservations are the only side effects, and the last things
 * done, but for a copy of the template, which is named by its content.
 * @throws InvalidConfiguration, InvalidRequest, SecretNotReadable, AccountNotAccessible, KeyNotUsable, KeyPolicyFull, KeyPolicyOrphan, KeyPolicyNotUnderstood, TemplateMismatch, TemplateNotReadable, TemplateChanged, TemplateNotPinned, StackNeedsAttention, SubscriberDiffers, OnboardingInProgress, ExecutionSuperseded
 */
export async function acceptRequest(
  { request: input, executionArn, startedAt }: AcceptInput,
  dependencies: Dependencies,
): Promise<Plan> {
  const { stepFunctions, s3, registry, logger, now } = dependencies;
  const { request, origin } = takeOrigin(input);
  const asked = { request, ownArn: executionArn, executionName: executionNameOf(executionArn) };
  const seen = await preflightOnboarding(asked, dependencies, {
    checks: oneError(),
    requireTurn: (record) => requireNotSuperseded(stepFunctions, record, { executionArn, startedAt }),
    async templateSource({ copyUrl, bytes }, home) {
      // Also when it is there: its time begins anew, and an execution of this request may be redriven for two weeks.
      await s3.put(copyUrl, bytes);
      return { url: copyUrl, asked: home };
    },
    info: (message) => logger.info(message),
    warn: (message) => logger.warn(message),
  });
  const { accountId, region, tags } = seen.request.stack;
  const { userName } = seen.request.subscriber;
  const keyArns = seen.places.map(({ keyArn }) => keyArn);
  const claimed = {
    userName,
    executionArn,
    home: { accountId, region },
    tags,
    ...withAskedKeys(seen.record, executionArn, keyArns),
  };
  await claim({ registry, stepFunctions, now, startedAt, origin }, claimed, seen.record);
  for (const place of seen.places) await reserveRoom(place, executionArn, { registry, stepFunctions, now });
  return { ...seen.plan, executionArn, ...correlationOf(origin) };
}
