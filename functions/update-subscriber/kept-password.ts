import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { InvalidRequest, LoginChallenge, LoginRejected } from '../../lib/errors.ts';
import { getVersion } from '../../lib/infinstor/discovery.ts';
import { logIn } from '../../lib/infinstor/login.ts';

interface Dependencies {
  mlflowUrl: string;
  cognito: (region: string) => CognitoIdentityProviderClient;
}

/**
 * Makes sure, by one login, that the password that is kept is still the subscriber's: told to InfinStor it would otherwise undo a
 * change that somebody made elsewhere.
 * @throws InvalidRequest when Cognito refuses it
 * @throws InfinStorUnavailable, InfinStorRejected, and Cognito's errors, when that cannot be found out
 */
export async function requireCurrent(
  subscriber: { userName: string; password: string },
  { mlflowUrl, cognito }: Dependencies,
): Promise<void> {
  const { region, cognitoCliClientId: clientId, isExternalAuth } = await getVersion(mlflowUrl);
  // The pool need not know the passwords of users who log in elsewhere.
  if (isExternalAuth === 'true') return;
  try {
    await logIn({ cognito: cognito(region), clientId }, subscriber);
  } catch (error) {
    // Cognito asks for more only of who gave the right password.
    if (error instanceof LoginChallenge) return;
    if (!(error instanceof LoginRejected)) throw error;
    const isWrong = ['NotAuthorizedException', 'PasswordResetRequiredException'].includes(error.reason);
    // Whether there is such a user, InfinStor says itself.
    if (!isWrong) return;
    throw new InvalidRequest(
      'passwordSecretId',
      `is required, as the password of ${subscriber.userName} that is kept here is not its own any more (${error.reason}), and update_subscriber is told every field (param updateSubscriberFields)`,
    );
  }
}
