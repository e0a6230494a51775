import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { provideToken } from '../../lib/infinstor/provide-token.ts';
import type { Token } from '../../lib/plans/token.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { putSuccessor, readSecret } from '../../lib/secrets/secrets.ts';
import { readSuperadmin } from '../../lib/secrets/superadmin.ts';
import { tokenSecretSchema } from '../../lib/secrets/token-secret.ts';
import type { Environment } from './environment.ts';

interface Dependencies {
  environment: Environment;
  registry: Registry;
  secrets: SecretsManagerClient;
  cognito: (region: string) => CognitoIdentityProviderClient;
  now: Date;
}

/**
 * Provides a session of the superadmin in the shared secret.
 * @param previous the token that this execution used before, when it was refused
 * @throws TokenRejected when InfinStor has refused more tokens than this execution may replace
 * @throws LoginInProgress, LoginsPaused, LoginRejected, LoginChallenge, InfinStorUnavailable, InfinStorRejected, InvalidConfiguration
 */
export async function obtainToken(
  previous: Token | undefined,
  { environment, registry, secrets, cognito, now }: Dependencies,
): Promise<Token> {
  const secretId = environment.SUPERADMIN_TOKEN_SECRET_ID;
  return provideToken(
    {
      secretId,
      userName: environment.SUPERADMIN_USER_NAME,
      kind: 'superadmin tokens',
      read: () => readSecret(secrets, { secretId }, tokenSecretSchema),
      refusedVersionId: previous?.versionId,
      rejections: previous === undefined ? 0 : previous.rejections + 1,
      store: (token, current) => putSuccessor(secrets, secretId, current?.versionId, token),
      credentials: () => readSuperadmin(secrets, environment),
    },
    { registry, mlflowUrl: environment.INFINSTOR_MLFLOW_URL, cognito, now },
  );
}
