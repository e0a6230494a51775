import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { InvalidRequest } from '../../lib/errors.ts';
import { getVersion } from '../../lib/infinstor/discovery.ts';
import { probeLogin } from '../../lib/infinstor/login.ts';

interface Dependencies {
  mlflowUrl: string;
  cognito: (region: string) => CognitoIdentityProviderClient;
}

/**
 * Makes sure, by one login, that the password that is kept is still the subscriber's: sent to InfinStor it would otherwise undo a
 * change that somebody made elsewhere.
 * @throws InvalidRequest when it is not
 * @throws LoginRejected when Cognito refuses the login for another reason, as of a user who is locked or disabled
 * @throws InfinStorUnavailable, InfinStorRejected, and Cognito's errors, when that cannot be found out
 */
export async function requireCurrent(
  subscriber: { userName: string; password: string },
  { mlflowUrl, cognito }: Dependencies,
): Promise<void> {
  const discovery = await getVersion(mlflowUrl);
  // The pool need not know the passwords of users who log in elsewhere.
  if (discovery.isExternalAuth === 'true') return;
  const probe = await probeLogin(subscriber, { discovery, cognito });
  if (probe.isAccepted) return;
  const { rejected } = probe;
  switch (rejected.refusal) {
    // Whether there is such a user, InfinStor says itself.
    case 'no-such-user':
      return;
    case 'wrong-password':
    case 'reset-required':
    case 'temporary-expired':
      throw new InvalidRequest(
        'passwordSecretId',
        `is required: the stored password of ${subscriber.userName} no longer logs in (${reasons[rejected.refusal]}), and update_subscriber takes every field (param updateSubscriberFields)`,
      );
    default:
      // Of the password it says nothing.
      throw rejected;
  }
}

const reasons = {
  'wrong-password': 'Cognito refuses it as wrong',
  'reset-required': 'Cognito requires that it be reset',
  'temporary-expired': 'it was a temporary one, and has expired',
};
