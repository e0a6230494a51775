import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { CognitoIdentityProviderServiceException } from '@aws-sdk/client-cognito-identity-provider';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { InfinStorUnavailable, TokenRejected } from '../errors.ts';
import type { Token } from '../plans/token.ts';
import { know } from '../redact.ts';
import { readSecret } from '../secrets/secrets.ts';
import { type TokenSecret, tokenSecretSchema } from '../secrets/token-secret.ts';
import { getVersion } from './discovery.ts';
import { refresh, type Tokens } from './login.ts';

/** The age at which the vendor's own client takes a token for stale, though Cognito lets it live for an hour. */
const staleAfterMs = 30 * 60_000;
/** The age up to which a token is used that cannot be refreshed: Cognito's hour, less what a call may take. */
const usableForMs = 55 * 60_000;

/** Whether the ID token of a session can be used only after a refresh. */
export const isWornOut = ({ obtainedAt }: TokenSecret, now: Date): boolean => ageOf(obtainedAt, now) >= usableForMs;

const ageOf = (obtainedAt: string, now: Date) => now.getTime() - Date.parse(obtainedAt);

interface Dependencies {
  secrets: SecretsManagerClient;
  mlflowUrl: string;
  cognito: (region: string) => CognitoIdentityProviderClient;
  now: Date;
}

/** Returns an ID token of the session that a reference names. */
export type IdTokenOf = (token: Pick<Token, 'secretId' | 'versionId'>, dependencies: Dependencies) => Promise<string>;

/**
 * Makes what reads sessions, once per process. A stale ID token is refreshed in memory and kept there, never stored: each stored one would be
 * a version of a secret, of which a day has about a hundred.
 *
 * The function that is returned throws TokenRejected when the session is over, which the machine answers with a new one, and
 * InfinStorUnavailable when that cannot be found out; InfinStor was not called then.
 */
export function createSessions(): IdTokenOf {
  const refreshed = new Map<string, { idToken: string; obtainedAt: string }>();

  return async ({ secretId, versionId }, { secrets, mlflowUrl, cognito, now }) => {
    const stored = await readSecret(secrets, { secretId, versionId }, tokenSecretSchema);
    if (stored === undefined) throw new TokenRejected(`Version ${versionId} of ${secretId} is gone`);
    const latest = refreshed.get(versionId) ?? stored.value;
    // A refreshed one was met by an earlier run of this process.
    know(latest.idToken);
    const age = ageOf(latest.obtainedAt, now);
    if (age < staleAfterMs) return latest.idToken;
    const answer = await tryRefresh(stored.value, { mlflowUrl, cognito });
    if ('idToken' in answer) {
      // One session at a time: what another version had is not asked for again.
      refreshed.clear();
      refreshed.set(versionId, { idToken: answer.idToken, obtainedAt: now.toISOString() });
      return answer.idToken;
    }
    if (age < usableForMs) return latest.idToken;
    if ('error' in answer) throw answer.error;
    throw new TokenRejected(`Cognito refused to refresh version ${versionId} of ${secretId}: ${answer.refused}`);
  };
}

type Service = Pick<Dependencies, 'mlflowUrl' | 'cognito'>;

/**
 * Refreshes a session where get_version says; says why, for people, when Cognito refuses to, or when the session has nothing to refresh it with.
 * @throws InfinStorUnavailable, InfinStorRejected, and Cognito's errors that are about its rate or itself
 */
export async function refreshSession(
  { refreshToken }: TokenSecret,
  { mlflowUrl, cognito }: Service,
): Promise<Tokens | { refused: string }> {
  // An answer to a login need not have one, and nothing needs to be asked then.
  if (refreshToken === '') return { refused: 'the login has brought no refresh token' };
  const discovery = await getVersion(mlflowUrl);
  return refresh({ cognito: cognito(discovery.region), clientId: discovery.cognitoCliClientId }, refreshToken);
}

/** @returns why Cognito refuses, when it does; an error when it cannot be asked */
async function tryRefresh(
  session: TokenSecret,
  service: Service,
): Promise<{ idToken: string } | { refused: string } | { error: Error }> {
  try {
    return await refreshSession(session, service);
  } catch (error) {
    if (error instanceof CognitoIdentityProviderServiceException) {
      return { error: new InfinStorUnavailable(`Cognito could not refresh a token: ${error.name}`) };
    }
    if (error instanceof Error) return { error };
    throw error;
  }
}
