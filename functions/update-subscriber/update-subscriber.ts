import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { callBoundMs, patientConfig } from '../../lib/aws/clients.ts';
import { requireTimeLeft } from '../../lib/aws/time-left.ts';
import { InvalidConfiguration, InvalidRequest, OnboardingInProgress } from '../../lib/errors.ts';
import { findCustomToken } from '../../lib/infinstor/custom-token.ts';
import { sendTimeoutMs } from '../../lib/infinstor/send.ts';
import type { IdTokenOf } from '../../lib/infinstor/session.ts';
import { sendUpdate } from '../../lib/infinstor/update-subscriber.ts';
import type { Token } from '../../lib/plans/token.ts';
import type { UpdatePlan } from '../../lib/plans/update.ts';
import { forgetRefusedTokens } from '../../lib/registry/login-breaker.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { type Credentials, credentialsSchema } from '../../lib/secrets/credentials.ts';
import { passwordSchema, readInputSecret } from '../../lib/secrets/input-secrets.ts';
import { putSuccessor, readSecret } from '../../lib/secrets/secrets.ts';
import { requireRoom } from '../../lib/secrets/versions.ts';
import type { Environment } from './environment.ts';
import { requireCurrent } from './kept-password.ts';

interface Dependencies {
  environment: Environment;
  registry: Registry;
  secrets: SecretsManagerClient;
  /** Tries longer than the other: for what InfinStor has accepted already. */
  patientSecrets: SecretsManagerClient;
  cognito: (region: string) => CognitoIdentityProviderClient;
  idTokenOf: IdTokenOf;
  now: Date;
  /** Throws when the subscriber is another execution's by now. */
  requireOwn: () => Promise<unknown>;
  /** How long the function may run yet. */
  remainingMs: () => number;
}

/**
 * Changes the subscriber in InfinStor. A new password replaces the kept one only when InfinStor has accepted it, and so does a new
 * custom token, if the answer has one: whether it does is not documented. When it is repeated, it makes the call again.
 * @throws TokenRejected, which the machine answers with a new token
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 * @throws OnboardingInProgress when somebody else stores credentials meanwhile
 * @throws SecretFull when what InfinStor accepts could not be stored
 * @throws TooLittleTime when the call and the storing of what it accepts may not end in time
 * @throws LoginRejected when whether the kept password is still the subscriber's cannot be found out
 * @throws InfinStorRejected, InfinStorUnavailable, InvalidRequest, InvalidConfiguration
 */
export async function updateSubscriber(
  { plan, token }: { plan: UpdatePlan; token: Token },
  { environment, registry, secrets, patientSecrets, cognito, idTokenOf, now, requireOwn, remainingMs }: Dependencies,
): Promise<{ isTokenNew: boolean; customTokenExpiresAt: string | undefined }> {
  const { subscriber, credentialsSecretId: secretId, passwordSecretId, sent } = plan;
  const stored = await readSecret(secrets, { secretId }, credentialsSchema);
  if (stored?.value.state !== 'created') {
    throw new InvalidConfiguration(
      `Secret ${secretId}: does not hold the credentials of a subscriber that was created`,
    );
  }
  const password =
    passwordSecretId === undefined
      ? stored.value.password
      : (await readInputSecret(secrets, { field: 'passwordSecretId', secretId: passwordSecretId }, passwordSchema))
          .password;
  if (sent.includes('password') && password === undefined) {
    throw new InvalidRequest(
      'passwordSecretId',
      `is required: the password of ${subscriber.userName} is not known here, and update_subscriber takes every field (param updateSubscriberFields)`,
    );
  }
  const mlflowUrl = environment.INFINSTOR_MLFLOW_URL;
  const idToken = await idTokenOf(token, { secrets, mlflowUrl, cognito, now });
  await requireRoom(secrets, secretId, now);
  if (sent.includes('password') && passwordSecretId === undefined && password !== undefined) {
    const { userName } = subscriber;
    await requireCurrent({ userName, password }, { mlflowUrl, cognito });
  }
  await requireOwn();
  // What InfinStor accepts must still be stored.
  requireTimeLeft(remainingMs(), sendTimeoutMs + callBoundMs(patientConfig), 'update_subscriber');
  const answer = await sendUpdate(mlflowUrl, idToken, {
    userName: subscriber.userName,
    ...(sent.includes('password') && password !== undefined && { password }),
    ...(sent.includes('emailId') && subscriber.emailId !== undefined && { emailId: subscriber.emailId }),
  });
  const issued = findCustomToken(answer, {
    path: environment.CUSTOM_TOKEN_PATH,
    prefix: environment.CUSTOM_TOKEN_PREFIX,
  });
  const { password: keptPassword, emailId: keptEmailId, customToken: keptToken } = stored.value;
  const { customToken } = issued ?? stored.value;
  // An answer that repeats the token need not repeat when it ends.
  const knownEnd = customToken === keptToken ? stored.value.customTokenExpiresAt : undefined;
  const customTokenExpiresAt = issued?.customTokenExpiresAt ?? knownEnd;
  const isTokenKept = customToken === keptToken && customTokenExpiresAt === stored.value.customTokenExpiresAt;
  const emailId = sent.includes('emailId') ? subscriber.emailId : keptEmailId;
  if (password !== keptPassword || emailId !== keptEmailId || !isTokenKept) {
    const credentials: Credentials = { state: 'created', password, emailId, customToken, customTokenExpiresAt };
    const { won } = await putSuccessor(patientSecrets, secretId, stored.versionId, credentials);
    if (!won) throw new OnboardingInProgress(subscriber.userName, 'another execution');
  }
  await forgetRefusedTokens(registry, token);
  return { isTokenNew: customToken !== keptToken, customTokenExpiresAt };
}
