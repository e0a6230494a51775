import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { LoginChallenge, LoginRejected } from '../errors.ts';
import type { Discovery } from './discovery.ts';
import { logIn } from './login.ts';

/**
 * Whether a password logs in, by one login: InfinStor documents no call that says so. Refused logins lock an account, so that no
 * password may be tried twice.
 * @returns the name of Cognito's error where it does not
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
): Promise<{ isAccepted: true } | { isAccepted: false; reason: string }> {
  const { region, cognitoCliClientId: clientId } = discovery;
  try {
    await logIn({ cognito: cognito(region), clientId }, user);
    return { isAccepted: true };
  } catch (error) {
    // Cognito sends a challenge only when the password is right.
    if (error instanceof LoginChallenge) return { isAccepted: true };
    if (error instanceof LoginRejected) return { isAccepted: false, reason: error.reason };
    throw error;
  }
}
