import {
  type AuthenticationResultType,
  type CognitoIdentityProviderClient,
  InitiateAuthCommand,
  InvalidParameterException,
  NotAuthorizedException,
  PasswordResetRequiredException,
  UnsupportedOperationException,
  UserNotConfirmedException,
  UserNotFoundException,
} from '@aws-sdk/client-cognito-identity-provider';
import { LoginChallenge, LoginRejected } from '../errors.ts';
import type { Discovery } from './discovery.ts';

export interface Tokens {
  idToken: string;
  refreshToken: string;
}

interface Login {
  cognito: CognitoIdentityProviderClient;
  clientId: string;
}

/**
 * Logs in with user name and password, as the vendor's client does.
 * @throws LoginRejected, which must not be retried: repeated bad passwords lock the account
 * @throws LoginChallenge when Cognito wants something that only a person can give
 */
export async function logIn(
  { cognito, clientId }: Login,
  { userName, password }: { userName: string; password: string },
): Promise<Tokens> {
  try {
    const { AuthenticationResult, ChallengeName } = await cognito.send(
      new InitiateAuthCommand({
        AuthFlow: 'USER_PASSWORD_AUTH',
        ClientId: clientId,
        AuthParameters: { USERNAME: userName, PASSWORD: password },
      }),
    );
    // A challenge comes as a success without a result (Cognito API reference, InitiateAuth).
    if (AuthenticationResult === undefined) throw new LoginChallenge(userName, ChallengeName ?? 'unknown');
    return tokens(AuthenticationResult) ?? refused(userName);
  } catch (error) {
    if (isRefusal(error)) throw new LoginRejected(userName, error.name);
    throw error;
  }
}

/**
 * Logs in as `logIn` does. The vendor's client tries name and password also where users log in elsewhere; whether they can is not
 * documented, and a refusal then says so.
 * @param isExternalAuth as get_version returns it
 */
export async function logInHere(
  login: Login,
  user: { userName: string; password: string },
  isExternalAuth: Discovery['isExternalAuth'],
): Promise<Tokens> {
  try {
    return await logIn(login, user);
  } catch (error) {
    if (!(error instanceof LoginRejected && isExternalAuth === 'true')) throw error;
    const hint = '; users of this service log in elsewhere (external auth), so that this one may have no password here';
    throw new LoginRejected(user.userName, error.reason, hint);
  }
}

/**
 * Refreshes; undefined when Cognito refuses to, as it does with an expired refresh token, and with refresh-token rotation, for
 * which a client must not allow this flow.
 */
export async function refresh({ cognito, clientId }: Login, refreshToken: string): Promise<Tokens | undefined> {
  // An answer to a login need not have one.
  if (refreshToken === '') return undefined;
  try {
    const { AuthenticationResult } = await cognito.send(
      new InitiateAuthCommand({
        AuthFlow: 'REFRESH_TOKEN_AUTH',
        ClientId: clientId,
        AuthParameters: { REFRESH_TOKEN: refreshToken },
      }),
    );
    return AuthenticationResult && tokens(AuthenticationResult, refreshToken);
  } catch (error) {
    if (isRefusal(error) || isUnsupported(error)) return undefined;
    throw error;
  }
}

/** A refresh may come without a refresh token: the old one stays good. Without an ID token an answer is no use. */
function tokens({ IdToken, RefreshToken }: AuthenticationResultType, oldRefreshToken = ''): Tokens | undefined {
  return IdToken === undefined ? undefined : { idToken: IdToken, refreshToken: RefreshToken || oldRefreshToken };
}

function refused(userName: string): never {
  throw new LoginRejected(userName, 'an answer without an ID token');
}

function isRefusal(error: unknown): error is Error {
  return (
    error instanceof NotAuthorizedException ||
    error instanceof UserNotFoundException ||
    error instanceof UserNotConfirmedException ||
    error instanceof PasswordResetRequiredException
  );
}

function isUnsupported(error: unknown): boolean {
  return error instanceof InvalidParameterException || error instanceof UnsupportedOperationException;
}
