import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { type Credentials, credentialsSchema } from '../shared/credentials.ts';
import { InvalidRequest, StepError, SubscriberOutcomeUnknown, TokenRejected } from '../shared/errors.ts';
import { addSubscriber } from '../shared/infinstor.ts';
import type { Plan, Token } from '../shared/plan.ts';
import { createSecret, putSecret, readSecret } from '../shared/secrets.ts';
import { superadminTokenSchema } from '../shared/superadmin-token.ts';
import { findCustomToken } from './custom-token.ts';
import type { Environment } from './environment.ts';
import { generatePassword } from './password.ts';

const passwordSchema = v.object({ password: v.pipe(v.string(), v.nonEmpty()) });
const customTokenSchema = v.object({ customToken: v.pipe(v.string(), v.nonEmpty()) });

interface Dependencies {
  environment: Environment;
  secrets: SecretsManagerClient;
}

/**
 * Creates the subscriber in InfinStor and stores its custom token before anything else is done. add_subscriber has no
 * inverse, so a `creating` mark goes into the subscriber's secret first: whoever finds the mark without a token knows that
 * the call may have had its effect, and does not repeat it.
 * @throws TokenRejected, which the machine answers with a new token
 * @throws SubscriberOutcomeUnknown, SubscriberExists, InfinStorRejected, InfinStorUnavailable, InvalidRequest
 */
export async function createSubscriber(
  { plan, token }: { plan: Plan; token: Token },
  { environment, secrets }: Dependencies,
): Promise<{ credentialsSecretId: string }> {
  const secretId = plan.credentialsSecretId;
  const stored = await readSecret(secrets, { secretId }, credentialsSchema);
  if (stored?.value.state === 'created') return { credentialsSecretId: secretId };

  if (plan.customTokenSecretId !== undefined) {
    const { customToken } = await inputSecret(
      secrets,
      'customTokenSecretId',
      plan.customTokenSecretId,
      customTokenSchema,
    );
    // A password that add_subscriber never took is not the subscriber's.
    const password = stored?.value.state === 'creating' ? stored.value.password : undefined;
    await store(secrets, secretId, { state: 'created', password, customToken });
    return { credentialsSecretId: secretId };
  }
  if (stored?.value.state === 'creating') {
    throw new SubscriberOutcomeUnknown(
      `add_subscriber for ${plan.subscriber.userName} was called before, and its answer was lost`,
    );
  }

  const superadminToken = await readSecret(secrets, token, superadminTokenSchema);
  if (superadminToken === undefined) throw new TokenRejected(`Version ${token.versionId} of ${token.secretId} is gone`);
  const password = await chosenPassword(secrets, plan, stored?.value.password);
  await store(secrets, secretId, { state: 'creating', password });
  const answer = await addSubscriber(environment.INFINSTOR_MLFLOW_URL, superadminToken.value.idToken, {
    ...plan.subscriber,
    password,
  }).catch(async (error: unknown) => {
    // Every other error of the call says that nothing happened: the mark would only stand in the way of a repeat.
    const hadNoEffect = error instanceof StepError && !(error instanceof SubscriberOutcomeUnknown);
    if (hadNoEffect) await putSecret(secrets, secretId, { state: 'prepared', password });
    throw error;
  });
  const customToken = findCustomToken(answer, environment.CUSTOM_TOKEN_PATH);
  if (customToken === undefined) {
    throw new SubscriberOutcomeUnknown(
      `add_subscriber for ${plan.subscriber.userName} succeeded, but its answer has no custom token at ${environment.CUSTOM_TOKEN_PATH} or a known place`,
    );
  }
  await putSecret(secrets, secretId, { state: 'created', password, customToken });
  return { credentialsSecretId: secretId };
}

/** The password of the request's secret, else the one prepared before, else a new one. */
async function chosenPassword(
  secrets: SecretsManagerClient,
  plan: Plan,
  prepared: string | undefined,
): Promise<string> {
  if (plan.passwordSecretId === undefined) return prepared ?? generatePassword();
  const { password } = await inputSecret(secrets, 'passwordSecretId', plan.passwordSecretId, passwordSchema);
  return password;
}

async function inputSecret<Value>(
  secrets: SecretsManagerClient,
  field: string,
  secretId: string,
  schema: v.GenericSchema<unknown, Value>,
): Promise<Value> {
  const secret = await readSecret(secrets, { secretId }, schema);
  if (secret === undefined) throw new InvalidRequest(field, `there is no secret ${secretId}`);
  return secret.value;
}

async function store(secrets: SecretsManagerClient, secretId: string, credentials: Credentials): Promise<void> {
  const created = await createSecret(secrets, secretId, credentials);
  if (!created) await putSecret(secrets, secretId, credentials);
}
