import {
  type CognitoIdentityProviderClient,
  CognitoIdentityProviderServiceException,
} from '@aws-sdk/client-cognito-identity-provider';
import { LoginChallenge, LoginRejected, LoginsPaused, TokenRejected } from '../errors.ts';
import type { Token } from '../plans/token.ts';
import {
  type Breaker,
  beginLogin,
  countRefusedToken,
  endLogin,
  isTokenRefused,
  type LoginEnd,
  mayRenew,
  pauseTokens,
  readBreaker,
} from '../registry/login-breaker.ts';
import type { Registry } from '../registry/table.ts';
import type { TokenSecret } from '../secrets/token-secret.ts';
import { getVersion } from './discovery.ts';
import { logInHere, type Tokens } from './login.ts';
import { isWornOut, refreshSession } from './session.ts';

/** How many refused tokens in a row are replaced. */
const maxRejections = 2;

interface Stored {
  value: TokenSecret;
  versionId: string;
}

/** Name and password to log in with, and the version of the secret that holds them. */
interface Credentials {
  userName: string;
  password: string;
  passwordVersionId: string;
}

interface SharedToken {
  secretId: string;
  /** Whose tokens these are. */
  userName: string;
  /** What they are called in "InfinStor refused 3 … in a row". */
  kind: string;
  /** Reads what is kept. */
  read: () => Promise<Stored | undefined>;
  /** The version that was refused, when one was. */
  refusedVersionId: string | undefined;
  /** How many tokens were refused in a row. */
  rejections: number;
  /** Stores a session in the place of the current one, unless another execution does; returns the id of the version that counts. */
  store: (token: TokenSecret, current: Stored | undefined) => Promise<{ versionId: string }>;
  /** Asked for only when it is needed. */
  credentials: () => Promise<Credentials>;
}

interface Dependencies {
  registry: Registry;
  mlflowUrl: string;
  cognito: (region: string) => CognitoIdentityProviderClient;
  now: Date;
}

/**
 * Provides a session in a secret, whose ID token the steps refresh for themselves: the one that is kept for as long as it lives and InfinStor
 * does not refuse it, otherwise one from a login by password. Executions share it, and of them one logs in at a time.
 * @throws TokenRejected when InfinStor has refused more tokens in a row than are replaced
 * @throws LoginInProgress when another execution logs in or has just done so: retried by the machine
 * @throws LoginsPaused when so much was refused that it must rest
 * @throws LoginRejected, LoginChallenge, InfinStorUnavailable, InfinStorRejected, and what `credentials` throws
 */
export async function provideToken(token: SharedToken, dependencies: Dependencies): Promise<Token> {
  const { secretId, userName, kind, refusedVersionId, rejections } = token;
  const { registry, now } = dependencies;
  // Before the session: a login that another execution has made since is then noticed.
  const breaker = await readBreaker(registry, userName);
  const current = await token.read();
  if (current === undefined) return logInOnce(token, dependencies, { current, breaker, isRenewal: false });

  const isRefused = current.versionId === refusedVersionId;
  if (isRefused && (await isOver(current.value, dependencies))) {
    return logInOnce(token, dependencies, { current, breaker, isRenewal: false });
  }
  const { versionId } = current;
  const counted = isRefused ? await countRefusedToken(registry, { userName, versionId, now }, breaker) : breaker;
  if (!isTokenRefused(counted, versionId, now)) {
    // Another execution has replaced the refused one, or it is to be tried again.
    if (rejections > maxRejections) throw new TokenRejected(`InfinStor refused ${rejections} ${kind} in a row`);
    return { secretId, userName, versionId, rejections };
  }

  if (rejections <= maxRejections && mayRenew(counted, current.value.obtainedAt, now)) {
    return logInOnce(token, dependencies, { current, breaker: counted, isRenewal: true });
  }
  // Its user may have been the wrong one, corrected since, which only the password leads to.
  const { passwordVersionId } = await token.credentials();
  if (rejections <= maxRejections && passwordVersionId !== current.value.passwordVersionId) {
    return logInOnce(token, dependencies, { current, breaker: counted, isRenewal: false });
  }
  const pause = await pauseTokens(registry, { userName, now }, counted);
  if (rejections > maxRejections) throw new TokenRejected(`InfinStor refused ${rejections} ${kind} in a row`);
  throw new LoginsPaused(userName, pause.reason, pause.until);
}

/** Whether Cognito has ended the session, which is why a step could not use it. */
async function isOver(session: TokenSecret, { now, ...service }: Dependencies): Promise<boolean> {
  return isWornOut(session, now) && 'refused' in (await refreshSession(session, service));
}

interface Found {
  current: Stored | undefined;
  breaker: Breaker;
  isRenewal: boolean;
}

/** Logs in, when no other execution does, and stores the session before the turn is given back. */
async function logInOnce(
  { secretId, userName, rejections, store, credentials }: SharedToken,
  { registry, mlflowUrl, cognito, now }: Dependencies,
  { current, breaker, isRenewal }: Found,
): Promise<Token> {
  const { passwordVersionId, ...user } = await credentials();
  // Before the turn is taken: it lasts a minute.
  const discovery = await getVersion(mlflowUrl);
  const id = await beginLogin(registry, { userName, passwordVersionId, isRenewal, now }, breaker);
  const login = { cognito: cognito(discovery.region), clientId: discovery.cognitoCliClientId };
  let tokens: Tokens;
  try {
    tokens = await logInHere(login, user, discovery.isExternalAuth);
  } catch (error) {
    await endLogin(registry, { userName, passwordVersionId, id }, endOf(error));
    throw error;
  }
  const { versionId } = await store({ ...tokens, obtainedAt: now.toISOString(), passwordVersionId }, current);
  await endLogin(registry, { userName, passwordVersionId, id }, 'succeeded');
  return { secretId, userName, versionId, rejections };
}

/** What a login that failed may have done to the user: only a wrong password counts towards Cognito's lockout. */
function endOf(error: unknown): LoginEnd {
  if (error instanceof LoginChallenge) return 'challenged';
  if (error instanceof LoginRejected) {
    switch (error.refusal) {
      case 'wrong-password':
      case 'unknown':
        return 'refused';
      case 'locked':
        return 'locked';
      case 'blocked':
      case 'no-id-token':
        return 'challenged';
      case 'disabled':
      case 'temporary-expired':
      case 'no-such-user':
      case 'not-confirmed':
      case 'reset-required':
      case 'client-secret':
      case 'no-client':
      case 'no-flow':
      case 'trigger':
      case 'pool':
      case 'invalid':
      case 'firewall':
        return 'unmade';
    }
  }
  // Its other answers are about the rate or itself.
  return error instanceof CognitoIdentityProviderServiceException ? 'unmade' : 'unanswered';
}
