import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import type { LoginRefusal, LoginRejected } from '../../lib/errors.ts';
import { getVersion } from '../../lib/infinstor/discovery.ts';
import { probeLogin } from '../../lib/infinstor/login.ts';

export interface Finding {
  is: 'present' | 'absent' | 'unknown';
  /** By what that is known, or why it is not, for people. */
  because: string;
}

interface Dependencies {
  mlflowUrl: string;
  cognito: (region: string) => CognitoIdentityProviderClient;
}

/**
 * Whether a subscriber exists, by one login as the subscriber: InfinStor documents no call that says so. A refused password
 * proves nothing, because pools may give that answer for users that are not there (Cognito developer guide, "Managing error
 * responses": PreventUserExistenceErrors); a subscriber is absent only where the pool says so.
 */
export async function findSubscriber(
  subscriber: { userName: string; password: string },
  { mlflowUrl, cognito }: Dependencies,
): Promise<Finding> {
  try {
    const discovery = await getVersion(mlflowUrl);
    // The pool need not know users who log in elsewhere.
    if (discovery.isExternalAuth === 'true')
      return { is: 'unknown', because: 'users of this service log in elsewhere' };
    const probe = await probeLogin(subscriber, { discovery, cognito });
    return probe.isAccepted ? { is: 'present', because: 'its login succeeds' } : findingOf(probe.rejected);
  } catch (error) {
    return { is: 'unknown', because: error instanceof Error ? error.name : 'unknown reason' };
  }
}

function findingOf({ reason, refusal }: LoginRejected): Finding {
  const is = existence(refusal);
  return { is, because: `Cognito answers a login with ${reason} (${refusal})` };
}

function existence(refusal: LoginRefusal): Finding['is'] {
  switch (refusal) {
    case 'no-such-user':
      return 'absent';
    // What Cognito says of a user only when there is one.
    case 'not-confirmed':
    case 'reset-required':
    case 'disabled':
    case 'temporary-expired':
    case 'no-id-token':
      return 'present';
    default:
      return 'unknown';
  }
}
