import type { Stack as CloudFormationStack, Parameter } from '@aws-sdk/client-cloudformation';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { UpgradePlan } from '../../lib/plans/upgrade.ts';
import { credentialsSchema } from '../../lib/secrets/credentials.ts';
import { goodCustomToken, requireLasting } from '../../lib/secrets/good-custom-token.ts';
import { customTokenSchema, readInputSecret } from '../../lib/secrets/input-secrets.ts';
import { readSecret } from '../../lib/secrets/secrets.ts';

type TokenPlan = Pick<UpgradePlan, 'subscriber' | 'customTokenSecretId' | 'credentialsSecretId'>;

/**
 * The template parameter with the custom token. A stack that has one keeps it, unless the request brings another: what was registered with it
 * needs it no more, as long as the vendor's custom resource does not change.
 * @throws CustomTokenExpiring, SubscriberOutcomeUnknown, InvalidRequest
 */
export async function tokenParameterOf(
  plan: TokenPlan & Pick<UpgradePlan, 'stack'>,
  { Parameters = [] }: CloudFormationStack,
  { secrets, now }: { secrets: SecretsManagerClient; now: Date },
): Promise<Parameter> {
  const ParameterKey = plan.stack.tokenParameter;
  const { customTokenSecretId: secretId } = plan;
  if (secretId !== undefined) {
    const supplied = await readInputSecret(secrets, { field: 'customTokenSecretId', secretId }, customTokenSchema);
    return { ParameterKey, ParameterValue: supplied.customToken };
  }
  if (Parameters.some((parameter) => parameter.ParameterKey === ParameterKey))
    return { ParameterKey, UsePreviousValue: true };
  const { token } = await goodCustomToken(secrets, { ...plan.subscriber, secretId: plan.credentialsSecretId, now });
  return { ParameterKey, ParameterValue: token };
}

/**
 * Requires of a token that the stack keeps, and the vendor's custom resource is called with, that it has not ended, as far as that is known: InfinStor
 * would refuse it, and a rollback, which calls the custom resource as it was, would fail for the same.
 * @throws CustomTokenExpiring
 */
export async function requireKeptTokenLasts(
  { subscriber, customTokenSecretId, credentialsSecretId: secretId }: TokenPlan,
  { secrets, now }: { secrets: SecretsManagerClient; now: Date },
): Promise<void> {
  if (customTokenSecretId !== undefined) return;
  const credentials = await readSecret(secrets, { secretId }, credentialsSchema);
  if (credentials?.value.state !== 'created') return;
  requireLasting(subscriber.userName, credentials.value.customTokenExpiresAt, now);
}
