import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { TokenRejected } from '../errors.ts';
import type { Token } from '../plans/token.ts';
import type { TokenSecret } from '../secrets/token-secret.ts';
import { getVersion } from './discovery.ts';
import { logInHere, refresh, type Tokens } from './login.ts';

/** The age at which the vendor's own client takes a token for stale, though Cognito lets it live for an hour. */
const staleAfterMs = 30 * 60 * 1000;
/** How many refused tokens in a row are replaced. */
const maxRejections = 2;

interface StoredToken {
  secretId: string;
  /** What they are called in "InfinStor refused 3 … in a row". */
  kind: string;
  /** What is kept, as it was read. */
  current: { value: TokenSecret; versionId: string } | undefined;
  /** The version that InfinStor refused, when it did. */
  refusedVersionId: string | undefined;
  /** How many tokens InfinStor has refused in a row. */
  rejections: number;
  /** Stores a token in the place of the current one, unless another execution does; returns the id of the version that counts. */
  store: (token: TokenSecret) => Promise<{ versionId: string }>;
  /** Name and password to log in with; asked for only when they are needed. */
  user: () => Promise<{ userName: string; password: string }>;
}

/**
 * Provides an ID token in a secret: the one that is kept while it is fresh and InfinStor has not refused it, otherwise a new one: by
 * refresh when it is only stale, else by password.
 * @throws TokenRejected when InfinStor has refused more tokens in a row than are replaced
 * @throws LoginRejected, LoginChallenge, InfinStorUnavailable, InfinStorRejected, and what `user` throws
 */
export async function provideToken(
  { secretId, kind, current, refusedVersionId, rejections, store, user }: StoredToken,
  {
    mlflowUrl,
    cognito,
    now,
  }: { mlflowUrl: string; cognito: (region: string) => CognitoIdentityProviderClient; now: Date },
): Promise<Token> {
  if (rejections > maxRejections) throw new TokenRejected(`InfinStor refused ${rejections} ${kind} in a row`);

  const isFresh = current !== undefined && now.getTime() - Date.parse(current.value.obtainedAt) < staleAfterMs;
  // Another execution may have replaced the refused token already.
  const isRefused = current !== undefined && current.versionId === refusedVersionId;
  if (isFresh && !isRefused) return { secretId, versionId: current.versionId, rejections };

  const discovery = await getVersion(mlflowUrl);
  const login = { cognito: cognito(discovery.region), clientId: discovery.cognitoCliClientId };
  // A refused token's user may be the wrong one, corrected since: only the password leads to another.
  const refreshToken = isRefused ? undefined : current?.value.refreshToken;
  const refreshed = refreshToken ? await refresh(login, refreshToken) : undefined;
  const tokens: Tokens = refreshed ?? (await logInHere(login, await user(), discovery.isExternalAuth));
  // Of several executions that log in at once one stores its token, and the others go on with that one.
  const { versionId } = await store({ ...tokens, obtainedAt: now.toISOString() });
  return { secretId, versionId, rejections };
}
