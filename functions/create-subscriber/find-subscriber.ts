import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { getVersion } from '../../lib/infinstor/discovery.ts';
import { probeLogin } from '../../lib/infinstor/probe-login.ts';

export type Finding = 'present' | 'absent' | 'unknown';

interface Dependencies {
  mlflowUrl: string;
  cognito: (region: string) => CognitoIdentityProviderClient;
}

/**
 * Whether a subscriber exists, by one login as the subscriber: InfinStor documents no call that says so. A refused password
 * proves nothing, as pools may give that answer for users that are not there (Cognito developer guide, "Managing error
 * responses": PreventUserExistenceErrors); a subscriber is absent only where the pool says so.
 */
export async function findSubscriber(
  subscriber: { userName: string; password: string },
  { mlflowUrl, cognito }: Dependencies,
): Promise<Finding> {
  try {
    const discovery = await getVersion(mlflowUrl);
    // The pool need not know users who log in elsewhere.
    if (discovery.isExternalAuth === 'true') return 'unknown';
    const probe = await probeLogin(subscriber, { discovery, cognito });
    return probe.isAccepted ? 'present' : findingOf(probe.reason);
  } catch {
    return 'unknown';
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
