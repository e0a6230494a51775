import {
  type AuthenticationResultType,
  type CognitoIdentityProviderClient,
  CognitoIdentityProviderServiceException,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { LoginChallenge, LoginRejected } from '../errors.ts';
import { know } from '../redact.ts';
import type { Discovery } from './discovery.ts';
import { explanationOfChallenge, explanations, refusalOf, whyNotRefreshed } from './login-refusal.ts';

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
 * @throws Cognito's errors that are about its rate or itself
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
    if (AuthenticationResult === undefined) {
      throw new LoginChallenge(userName, ChallengeName ?? 'unknown', explanationOfChallenge(ChallengeName));
    }
    return tokens(AuthenticationResult) ?? withoutIdToken(userName);
  } catch (error) {
    if (!(error instanceof CognitoIdentityProviderServiceException)) throw error;
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    throw new LoginRejected(userName, error.name, refusal, explanations[refusal]);
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
    const { reason, refusal } = error;
    // What else Cognito says of a user shows that it has this one.
    if (!['wrong-password', 'no-such-user', 'unknown'].includes(refusal)) throw error;
    const hint = '; users of this service log in elsewhere (external auth), so that this one may have no password here';
    throw new LoginRejected(user.userName, reason, refusal, `${explanations[refusal]}${hint}`);
  }
}

/**
 * Refreshes; says why, for people, when Cognito refuses to, as it does with an expired refresh token, and with refresh-token rotation, for
 * which a client must not allow this flow.
 * @throws Cognito's errors that are about its rate or itself
 */
export async function refresh(
  { cognito, clientId }: Login,
  refreshToken: string,
): Promise<Tokens | { refused: string }> {
  try {
    const { AuthenticationResult, ChallengeName } = await cognito.send(
      new InitiateAuthCommand({
        AuthFlow: 'REFRESH_TOKEN_AUTH',
        ClientId: clientId,
        AuthParameters: { REFRESH_TOKEN: refreshToken },
      }),
    );
    const refreshed = AuthenticationResult && tokens(AuthenticationResult, refreshToken);
    return refreshed ?? { refused: `its answer has no ID token, but ${ChallengeName ?? 'nothing'}` };
  } catch (error) {
    if (!(error instanceof CognitoIdentityProviderServiceException)) throw error;
    const why = whyNotRefreshed(error);
    if (why === undefined) throw error;
    return { refused: `${error.name}: ${why}` };
  }
}

/** A refresh may come without a refresh token: the old one stays good. Without an ID token an answer is no use. */
function tokens({ IdToken, RefreshToken }: AuthenticationResultType, oldRefreshToken = ''): Tokens | undefined {
  if (IdToken === undefined) return undefined;
  const refreshToken = RefreshToken || oldRefreshToken;
  for (const token of [IdToken, refreshToken]) know(token);
  return { idToken: IdToken, refreshToken };
}

function withoutIdToken(userName: string): never {
  throw new LoginRejected(userName, 'an answer without an ID token', 'no-id-token', explanations['no-id-token']);
}

/**
 * Whether a password logs in, by one login: InfinStor documents no call that says so. Refused logins lock an account, so that no
 * password may be tried twice.
 * @returns why it does not, where it does not: only `wrong-password` is about the password
 * @throws Cognito's errors, when that cannot be found out
 */
export async function probeLogin(
  user: { userName: string; password: string },
  {
    discovery,
    cognito,
  }: {
    discovery: Pick<Discovery, 'region' | 'cognitoCliClientId'>;
    cognito: (region: string) => CognitoIdentityProviderClient;
  },
): Promise<{ isAccepted: true } | { isAccepted: false; rejected: LoginRejected }> {
  const { region, cognitoCliClientId: clientId } = discovery;
  try {
    await logIn({ cognito: cognito(region), clientId }, user);
    return { isAccepted: true };
  } catch (error) {
    // Cognito sends a challenge only when the password is right.
    if (error instanceof LoginChallenge) return { isAccepted: true };
    if (error instanceof LoginRejected) return { isAccepted: false, rejected: error };
    throw error;
  }
}
