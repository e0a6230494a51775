import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { STSClient } from '@aws-sdk/client-sts';
import * as v from 'valibot';
import { InvalidRequest } from '../errors.ts';
import type { UpdatePlan } from '../plans/update.ts';
import { registryEnvironmentSchema } from '../registry/environment.ts';
import type { Registry } from '../registry/table.ts';
import { checkUpdateRequest, type UpdateRequest } from '../requests/update.ts';
import { secretPrefixEnvironment } from '../secrets/environment.ts';
import { checkInputSecrets, passwordSchema } from '../secrets/input-secrets.ts';
import { credentialsSecretId, inputSecretPrefix } from '../secrets/names.ts';
import { requireActive } from '../subscribers/claim.ts';
import { readRecord, type SubscriberRecord } from '../subscribers/record.ts';
import type { Checks } from './checks.ts';

/** What the checks of a request for an update need to know of the deployment. */
export const updateEnvironmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...secretPrefixEnvironment,
  /** What update_subscriber receives: every field, or only what changes. */
  UPDATE_SUBSCRIBER_FIELDS: v.picklist(['all', 'changed']),
});

interface Dependencies {
  environment: v.InferOutput<typeof updateEnvironmentSchema>;
  secrets: SecretsManagerClient;
  sts: STSClient;
  registry: Registry;
}

/** What was seen of the world, and what an update is to do in it. */
export interface SeenUpdate {
  request: UpdateRequest;
  plan: Omit<UpdatePlan, 'executionArn'>;
  record: SubscriberRecord;
}

/**
 * Looks at everything that can be known of an update before its call, and changes nothing.
 * @param requireTurn refuses the request for the sake of somebody else's work on the subscriber
 * @throws InvalidRequest, SecretNotReadable, SubscriberNotActive, by way of `checks`
 */
export async function preflightUpdate(
  rawRequest: unknown,
  { environment, secrets, sts, registry }: Dependencies,
  { checks, requireTurn }: { checks: Checks; requireTurn: (record: SubscriberRecord | undefined) => Promise<void> },
): Promise<SeenUpdate> {
  const { SECRET_PREFIX } = environment;
  const parsed = await checks.attempt(() =>
    checkUpdateRequest(rawRequest, { inputSecretPrefix: inputSecretPrefix(SECRET_PREFIX) }),
  );
  checks.settle();
  const request = parsed();
  const { passwordSecretId } = request;
  await checks.attempt(() =>
    checkInputSecrets({ secrets, sts }, [
      { field: 'passwordSecretId', secretId: passwordSecretId, schema: passwordSchema },
    ]),
  );
  const found = await readRecord(registry, request.subscriber.userName);
  // Whatever else might be refused of a superseded execution would mislead.
  await checks.attempt(() => requireTurn(found));
  // As the onboarding spelled it: InfinStor may distinguish upper from lower case.
  const record = await checks.attempt(() => requireActive(found, request.subscriber.userName));
  const isAllSent = environment.UPDATE_SUBSCRIBER_FIELDS === 'all';
  const emailId = await checks.attempt(() => {
    const address = request.subscriber.emailId ?? record().emailId;
    if (address !== undefined || !isAllSent) return address;
    throw new InvalidRequest(
      'subscriber.emailId',
      'is required: the registry does not know it, and update_subscriber takes every field (param updateSubscriberFields)',
    );
  });
  checks.settle();
  const { userName } = record();
  const changed: UpdatePlan['changed'] = [
    ...(request.subscriber.emailId === undefined ? [] : (['emailId'] as const)),
    ...(passwordSecretId === undefined ? [] : (['password'] as const)),
  ];
  return {
    request,
    record: record(),
    plan: {
      subscriber: { userName, emailId: emailId() },
      passwordSecretId,
      credentialsSecretId: credentialsSecretId(SECRET_PREFIX, userName),
      changed,
      sent: isAllSent ? ['emailId', 'password'] : changed,
    },
  };
}
