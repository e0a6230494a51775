import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { InvalidConfiguration, LoginRejected, TokenRejected } from '../shared/errors.ts';
import { type Discovery, getVersion } from '../shared/infinstor.ts';
import { logIn, refresh, type Tokens } from '../shared/login.ts';
import type { Token } from '../shared/plan.ts';
import { putSuccessor, readSecret } from '../shared/secrets.ts';
import { type SuperadminToken, superadminTokenSchema } from '../shared/superadmin-token.ts';
import type { Environment } from './environment.ts';

/** The age at which the vendor's own client takes a token for stale, though Cognito lets it live for an hour. */
const staleAfterMs = 30 * 60 * 1000;
/** How many refused tokens one execution replaces before it gives up. */
const maxRejections = 2;

const superadminSchema = v.object({ userName: v.string(), password: v.string() });

interface Dependencies {
  environment: Environment;
  secrets: SecretsManagerClient;
  cognito: (region: string) => CognitoIdentityProviderClient;
  now: Date;
}

/**
 * Provides a superadmin ID token in the shared secret: the one that is there while it is fresh and InfinStor has not
 * refused it, otherwise a new one: by refresh when it is only stale, else by password.
 * @param previous the token that this execution used before, when InfinStor refused it
 * @throws TokenRejected when InfinStor has refused more tokens than this execution may replace
 * @throws LoginRejected, LoginChallenge, InfinStorUnavailable, InfinStorRejected, InvalidConfiguration
 */
export async function obtainToken(
  previous: Token | undefined,
  { environment, secrets, cognito, now }: Dependencies,
): Promise<Token> {
  const secretId = environment.SUPERADMIN_TOKEN_SECRET_ID;
  const rejections = previous === undefined ? 0 : previous.rejections + 1;
  if (rejections > maxRejections) throw new TokenRejected(`InfinStor refused ${rejections} superadmin tokens in a row`);

  const current = await readSecret(secrets, { secretId }, superadminTokenSchema);
  const isFresh = current !== undefined && now.getTime() - Date.parse(current.value.obtainedAt) < staleAfterMs;
  // Another execution may have replaced the refused token already.
  const isRefused = current !== undefined && current.versionId === previous?.versionId;
  if (isFresh && !isRefused) return { secretId, versionId: current.versionId, rejections };

  const discovery = await getVersion(environment.INFINSTOR_MLFLOW_URL);
  const login = { cognito: cognito(discovery.region), clientId: discovery.cognitoCliClientId };
  // A refused token's user may be the wrong one, corrected since: only the password leads to another.
  const refreshToken = isRefused ? undefined : current?.value.refreshToken;
  const refreshed = refreshToken ? await refresh(login, refreshToken) : undefined;
  const tokens: Tokens =
    refreshed ?? (await logInHere(login, await superadmin(secrets, environment), discovery.isExternalAuth));
  // Of several executions that log in at once one stores its token, and the others go on with that one.
  const token: SuperadminToken = { ...tokens, obtainedAt: now.toISOString() };
  const { versionId } = await putSuccessor(secrets, secretId, current?.versionId, token);
  return { secretId, versionId, rejections };
}

/** The vendor's client tries name and password also where users log in elsewhere; whether the superadmin can is not documented. */
async function logInHere(
  login: Parameters<typeof logIn>[0],
  user: { userName: string; password: string },
  isExternalAuth: Discovery['isExternalAuth'],
): Promise<Tokens> {
  try {
    return await logIn(login, user);
  } catch (error) {
    if (!(error instanceof LoginRejected && isExternalAuth === 'true')) throw error;
    const hint =
      '; users of this service log in elsewhere (external auth), so that the superadmin may have no password here';
    throw new LoginRejected(user.userName, error.reason, hint);
  }
}

async function superadmin(secrets: SecretsManagerClient, { SUPERADMIN_SECRET_ID }: Environment) {
  const secret = await readSecret(secrets, { secretId: SUPERADMIN_SECRET_ID }, superadminSchema);
  if (secret === undefined) throw new InvalidConfiguration(`Secret ${SUPERADMIN_SECRET_ID}: there is no such secret`);
  return secret.value;
}
