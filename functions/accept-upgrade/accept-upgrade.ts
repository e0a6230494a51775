import type { Logger } from '@aws-lambda-powertools/logger';
import type { S3 } from '../../lib/aws/signed/s3.ts';
import type { AcceptInput } from '../../lib/plans/accept.ts';
import { takeOrigin } from '../../lib/plans/origin.ts';
import type { UpgradePlan } from '../../lib/plans/upgrade.ts';
import { oneError } from '../../lib/preflight/checks.ts';
import { reserveRoom } from '../../lib/preflight/reserve-room.ts';
import { preflightUpgrade, type UpgradeDependencies } from '../../lib/preflight/upgrade/upgrade.ts';
import { withAskedKeys } from '../../lib/subscribers/asked-keys.ts';
import { claim } from '../../lib/subscribers/claim.ts';
import { requireNotSuperseded } from '../../lib/subscribers/ownership.ts';

type Dependencies = UpgradeDependencies & { s3: S3; logger: Logger };

/**
 * Validates a request to upgrade a subscriber's stack, checks beforehand whatever can be known, claims the subscriber for the execution,
 * reserves its places on the keys, and returns the plan. Claim and reservations are the only side effects, and the last things done, but for
 * a copy of the template, which is named by its content.
 * @throws as preflightUpgrade does; OnboardingInProgress, ExecutionSuperseded
 */
export async function acceptUpgrade(
  { request: input, executionArn, startedAt }: AcceptInput,
  dependencies: Dependencies,
): Promise<UpgradePlan> {
  const { stepFunctions, s3, registry, logger, now } = dependencies;
  const { request, origin } = takeOrigin(input);
  const { plan, places, record } = await preflightUpgrade({ request, ownArn: executionArn }, dependencies, {
    checks: oneError(),
    requireTurn: (found) => requireNotSuperseded(stepFunctions, found, { executionArn, startedAt }),
    async templateSource({ copyUrl, bytes }, home) {
      // Also when it is there: its time begins anew, and an execution of this request may be redriven for two weeks.
      await s3.put(copyUrl, bytes);
      return { url: copyUrl, asked: home };
    },
    info: (message) => logger.info(message),
    warn: (message) => logger.warn(message),
  });
  const { userName } = plan.subscriber;
  const keyArns = places.map(({ keyArn }) => keyArn);
  // Before any grant is asked for: an offboarding finds by them what to take away, also of an upgrade that has failed.
  const claimed = { userName, executionArn, ...withAskedKeys(record, executionArn, keyArns) };
  await claim({ registry, stepFunctions, now, startedAt, origin }, claimed, record);
  for (const place of places) await reserveRoom(place, executionArn, { registry, stepFunctions, now });
  return { ...plan, executionArn };
}
