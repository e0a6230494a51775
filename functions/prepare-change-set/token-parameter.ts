import type { Stack as CloudFormationStack, Parameter } from '@aws-sdk/client-cloudformation';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { UpgradePlan } from '../../lib/plans/upgrade.ts';
import { goodCustomToken } from '../../lib/secrets/good-custom-token.ts';
import { customTokenSchema, readInputSecret } from '../../lib/secrets/input-secrets.ts';

/**
 * The template parameter with the custom token. A stack that has one keeps it, unless the request brings another: what was registered with it
 * needs it no more, as long as the vendor's custom resource does not change.
 * @throws CustomTokenExpiring, SubscriberOutcomeUnknown, InvalidRequest
 */
export async function tokenParameterOf(
  plan: Pick<UpgradePlan, 'subscriber' | 'customTokenSecretId' | 'credentialsSecretId' | 'stack'>,
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
