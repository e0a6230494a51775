import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { LoginChallenge, LoginRejected } from '../../lib/errors.ts';
import { getVersion } from '../../lib/infinstor/discovery.ts';
import { logIn } from '../../lib/infinstor/login.ts';

export type Finding = 'present' | 'absent' | 'unknown';

interface Dependencies {
  mlflowUrl: string;
  cognito: (region: string) => CognitoIdentityProviderClient;
}

/**
 * Whether a subscriber exists, by one login as the subscriber: InfinStor documents no call that tells. A refused password
 * proves nothing, as pools may give that answer for users that are not there (Cognito developer guide, "Managing error
 * responses": PreventUserExistenceErrors); only where the pool tells it outright is a subscriber absent.
 */
export async function findSubscriber(
  subscriber: { userName: string; password: string },
  { mlflowUrl, cognito }: Dependencies,
): Promise<Finding> {
  try {
    const { region, cognitoCliClientId: clientId, isExternalAuth } = await getVersion(mlflowUrl);
    // The pool need not know users who log in elsewhere.
    if (isExternalAuth === 'true') return 'unknown';
    await logIn({ cognito: cognito(region), clientId }, subscriber);
    return 'present';
  } catch (error) {
    // Cognito asks for more only of who gave the right password.
    if (error instanceof LoginChallenge) return 'present';
    return error instanceof LoginRejected ? findingOf(error.reason) : 'unknown';
  }
}

function findingOf(reason: string): Finding {
  switch (reason) {
    case 'UserNotFoundException':
      return 'absent';
    case 'UserNotConfirmedException':
    case 'PasswordResetRequiredException':
      return 'present';
    default:
      return 'unknown';
  }
}
