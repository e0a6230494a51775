import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { STSClient } from '@aws-sdk/client-sts';
import { InvalidRequest } from '../../lib/errors.ts';
import type { AcceptInput } from '../../lib/plans/accept.ts';
import type { UpdatePlan } from '../../lib/plans/update.ts';
import { checkBoth } from '../../lib/refusals.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { checkUpdateRequest } from '../../lib/requests/update.ts';
import { checkInputSecrets, passwordSchema } from '../../lib/secrets/input-secrets.ts';
import { credentialsSecretId, inputSecretPrefix } from '../../lib/secrets/names.ts';
import { claim, requireActive } from '../../lib/subscribers/claim.ts';
import { requireNotSuperseded } from '../../lib/subscribers/ownership.ts';
import { readRecord } from '../../lib/subscribers/record.ts';
import type { Environment } from './environment.ts';

interface Dependencies {
  environment: Environment;
  secrets: SecretsManagerClient;
  sts: STSClient;
  stepFunctions: SFNClient;
  registry: Registry;
  now: Date;
}

/**
 * Validates a request to change a subscriber, claims the subscriber for the execution and returns the plan. The claim is the only side
 * effect, and the last thing done.
 * @throws InvalidRequest, SecretNotReadable, SubscriberNotActive, OnboardingInProgress, ExecutionSuperseded
 */
export async function acceptUpdate(
  { request: rawRequest, executionArn, startedAt }: AcceptInput,
  { environment, secrets, sts, stepFunctions, registry, now }: Dependencies,
): Promise<UpdatePlan> {
  const request = checkUpdateRequest(rawRequest, {
    inputSecretPrefix: inputSecretPrefix(environment.SECRET_PREFIX),
  });
  const { passwordSecretId } = request;
  const isAllSent = environment.UPDATE_SUBSCRIBER_FIELDS === 'all';
  const { record, userName, emailId } = await checkBoth(
    () =>
      checkInputSecrets({ secrets, sts }, [
        { field: 'passwordSecretId', secretId: passwordSecretId, schema: passwordSchema },
      ]),
    async () => {
      const read = await readRecord(registry, request.subscriber.userName);
      // Whatever else might be refused of a superseded execution would mislead.
      await requireNotSuperseded(stepFunctions, read, { executionArn, startedAt });
      // As the onboarding spelled it: InfinStor may distinguish upper from lower case.
      const active = requireActive(read, request.subscriber.userName);
      const address = request.subscriber.emailId ?? active.emailId;
      if (isAllSent && address === undefined) {
        throw new InvalidRequest(
          'subscriber.emailId',
          'is required: the registry does not know it, and update_subscriber takes every field (param updateSubscriberFields)',
        );
      }
      return { record: read, userName: active.userName, emailId: address };
    },
  );
  const changed: UpdatePlan['changed'] = [
    ...(request.subscriber.emailId === undefined ? [] : (['emailId'] as const)),
    ...(passwordSecretId === undefined ? [] : (['password'] as const)),
  ];
  await claim({ registry, stepFunctions, now, startedAt }, { userName, executionArn }, record);
  return {
    subscriber: { userName, emailId },
    executionArn,
    passwordSecretId,
    credentialsSecretId: credentialsSecretId(environment.SECRET_PREFIX, userName),
    changed,
    sent: isAllSent ? ['emailId', 'password'] : changed,
  };
}
