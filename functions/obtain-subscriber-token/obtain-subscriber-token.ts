import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SubscriberPasswordUnknown } from '../../lib/errors.ts';
import { provideToken } from '../../lib/infinstor/provide-token.ts';
import type { Progress, SubscriberToken, UsersPlan } from '../../lib/plans/users.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { credentialsSchema } from '../../lib/secrets/credentials.ts';
import { readRestored } from '../../lib/secrets/restored-secret.ts';
import { createSecret, putSuccessor, readSecret } from '../../lib/secrets/secrets.ts';
import { type TokenSecret, tokenSecretSchema } from '../../lib/secrets/token-secret.ts';
import type { Environment } from './environment.ts';

interface Dependencies {
  environment: Environment;
  registry: Registry;
  secrets: SecretsManagerClient;
  cognito: (region: string) => CognitoIdentityProviderClient;
  now: Date;
}

/**
 * Provides a session of the subscriber, by the password that is kept of it, in a secret of the subscriber's own.
 * @param token the token that this execution used before, when it was refused
 * @throws SubscriberPasswordUnknown when no password is kept
 * @throws TokenRejected when InfinStor has refused more tokens in a row, for the same user, than may be replaced
 * @throws LoginInProgress, LoginsPaused, LoginRejected, LoginChallenge, InfinStorUnavailable, InfinStorRejected
 */
export async function obtainSubscriberToken(
  { plan, token, progress }: { plan: UsersPlan; token?: SubscriberToken | undefined; progress?: Progress | undefined },
  { environment, registry, secrets, cognito, now }: Dependencies,
): Promise<SubscriberToken> {
  const { tokenSecretId: secretId, subscriber } = plan;
  const userIndex = progress?.next ?? 0;
  const earlierRejections = token?.userIndex === userIndex ? token.rejections : 0;
  const provided = await provideToken(
    {
      secretId,
      userName: subscriber.userName,
      kind: `tokens of ${subscriber.userName}`,
      read: () => readRestored(secrets, secretId, tokenSecretSchema),
      refusedVersionId: token?.versionId,
      rejections: token === undefined ? 0 : earlierRejections + 1,
      store: (value, current) =>
        store(secrets, { secretId, keyArn: environment.KMS_KEY_ARN, predecessor: current?.versionId, value }),
      credentials: () => credentialsOf(secrets, plan),
    },
    { registry, mlflowUrl: environment.INFINSTOR_MLFLOW_URL, cognito, now },
  );
  return { ...provided, userIndex };
}

async function store(
  secrets: SecretsManagerClient,
  {
    secretId,
    keyArn,
    predecessor,
    value,
  }: { secretId: string; keyArn: string; predecessor: string | undefined; value: TokenSecret },
): Promise<{ versionId: string }> {
  if (predecessor === undefined) {
    const created = await createSecret(secrets, { secretId, keyArn }, value);
    if (created.won) return created;
  }
  return putSuccessor(secrets, secretId, predecessor, value);
}

async function credentialsOf(secrets: SecretsManagerClient, { subscriber, credentialsSecretId }: UsersPlan) {
  const credentials = await readSecret(secrets, { secretId: credentialsSecretId }, credentialsSchema);
  // Before a password is accepted, it is not the subscriber's.
  const password = credentials?.value.state === 'created' ? credentials.value.password : undefined;
  if (credentials === undefined || password === undefined) {
    throw new SubscriberPasswordUnknown(subscriber.userName, credentialsSecretId);
  }
  return { userName: subscriber.userName, password, passwordVersionId: credentials.versionId };
}
