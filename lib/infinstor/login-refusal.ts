import type { LoginRefusal } from '../errors.ts';

/**
 * Why Cognito refuses a login. Many causes have one name, NotAuthorizedException, and Cognito documents none of the texts:
 * these are the ones that people have reported of it (issues of aws-amplify/amplify-js, amazon-cognito-identity-js, aws-sdk-java-v2 and
 * aws-sdk-net, 2017 to 2025). A text may quote what a trigger or the request has said: it is compared, and never shown.
 * @returns undefined when Cognito has decided nothing: the error is about its rate or itself, or is none of those that InitiateAuth has
 */
export function refusalOf({ name, message }: { name: string; message: string }): LoginRefusal | undefined {
  switch (name) {
    case 'UserNotFoundException':
      return 'no-such-user';
    case 'UserNotConfirmedException':
      return 'not-confirmed';
    case 'PasswordResetRequiredException':
      return 'reset-required';
    case 'ResourceNotFoundException':
      return 'no-client';
    case 'UnsupportedOperationException':
      return 'no-flow';
    case 'InvalidParameterException':
      return /\bflow not enabled\b|^Initiate Auth method not supported/i.test(message) ? 'no-flow' : 'invalid';
    case 'UserLambdaValidationException':
    case 'UnexpectedLambdaException':
    case 'InvalidLambdaResponseException':
      return 'trigger';
    case 'ForbiddenException':
      return 'firewall';
    case 'NotAuthorizedException':
      return notAuthorized(message);
    case 'InvalidUserPoolConfigurationException':
    case 'InvalidSmsRoleAccessPolicyException':
    case 'InvalidSmsRoleTrustRelationshipException':
    case 'InvalidEmailRoleAccessPolicyException':
    case 'FeatureUnavailableInTierException':
    case 'OperationNotEnabledException':
      return 'pool';
    default:
      return undefined;
  }
}

const notAuthorizedTexts: readonly (readonly [text: RegExp, refusal: LoginRefusal])[] = [
  // First: what a trigger says after it may be any of the others.
  [/^PreAuthentication failed/i, 'trigger'],
  [/^Incorrect (username or )?password\b/i, 'wrong-password'],
  [/\battempts exceeded\b/i, 'locked'],
  [/^User is disabled\b/i, 'disabled'],
  [/\bSECRET_HASH\b|\bsecret hash\b/i, 'client-secret'],
  [/\bexpired\b.*\breset by an administrator\b/i, 'temporary-expired'],
  [/\bsecurity reasons\b/i, 'blocked'],
];

const notAuthorized = (message: string): LoginRefusal =>
  notAuthorizedTexts.find(([text]) => text.test(message))?.[1] ?? 'unknown';

const client = 'the app client whose id get_version returns (cognitoCliClientId)';

/** What each means, and what to do about it, for people. */
export const explanations: Readonly<Record<LoginRefusal, string>> = {
  'wrong-password':
    'the password is wrong, or there is no such user, which pools may hide. Find the right password, and store it in the secret',
  locked:
    'so many wrong passwords were tried that Cognito has locked the user, for 15 minutes at most; it did not look at this password. That passes by itself: wait 16 minutes without a login',
  disabled: 'an administrator of the user pool has disabled the user. Have it enabled',
  'temporary-expired':
    'the password is a temporary one that has expired. Have an administrator of the user pool set a new one, choose a lasting one at the first login in a browser, and store that in the secret',
  'no-such-user': 'the user pool has no such user. Check the name, and that get_version is of the right service',
  'not-confirmed':
    'the user has not confirmed its sign-up. Have it confirmed, by the user or an administrator of the user pool',
  'reset-required':
    'an administrator of the user pool has required that the user reset its password. Reset it in a browser, and store the new one in the secret',
  'client-secret': `${client} has a client secret, without which it lets nobody in; the password was not looked at. InfinStor must name a client that has none`,
  'no-client': `the user pool has not ${client}, in the Region that it returns. Check that the params of InfinStor's URLs are of one service, and ask its operators`,
  'no-flow': `${client} does not allow what was asked for, a login by password (USER_PASSWORD_AUTH) or a refresh (REFRESH_TOKEN_AUTH); the password was not looked at. InfinStor must allow it`,
  trigger:
    'a Lambda trigger of the user pool has refused it, or failed; the words are not shown, because they may quote anything. Ask the operators of InfinStor',
  pool: 'the user pool is not set up for it, in the way that the name says. Ask the operators of InfinStor',
  invalid:
    'Cognito does not take name or password as they are written; the words are not shown, because they may quote them. Check both in the secret for characters that do not belong there',
  firewall: "AWS WAF of the user pool blocks the call. Have the deployment's addresses allowed there",
  blocked:
    "Cognito's threat protection blocks the login as a risk. Have an administrator of the user pool look at the user's event history, and allow it",
  'no-id-token': 'Cognito has let the user in, but issued no ID token. Ask the operators of InfinStor',
  unknown: 'the reason is not known here; the words are not shown, because they may quote anything. Try the login',
};

const refreshTexts: readonly (readonly [text: RegExp, explanation: string])[] = [
  [/^Refresh Token has expired\b/i, 'the refresh token has expired'],
  [
    /^Refresh Token has been revoked\b/i,
    'the refresh token was revoked: somebody has logged the user out everywhere, or disabled it, or reset its password',
  ],
  [
    /^Invalid Refresh Token\b/i,
    'Cognito does not take the refresh token, which may be of another client or used up by rotation',
  ],
];

/**
 * Why Cognito refuses a refresh, for people: of its token, or as it refuses a login.
 * @returns undefined when Cognito has decided nothing
 */
export function whyNotRefreshed(error: { name: string; message: string }): string | undefined {
  const ofToken =
    error.name === 'NotAuthorizedException' ? refreshTexts.find(([text]) => text.test(error.message)) : undefined;
  if (ofToken !== undefined) return ofToken[1];
  const refusal = refusalOf(error);
  return refusal && explanations[refusal];
}

/** What a challenge means, and what to do about it, for people. */
export function explanationOfChallenge(challenge: string | undefined): string {
  switch (challenge) {
    case 'NEW_PASSWORD_REQUIRED':
      return 'its password is a temporary one. Log in as this user in a browser once, choose a lasting password there, and store that in the secret';
    case 'SOFTWARE_TOKEN_MFA':
    case 'SMS_MFA':
    case 'EMAIL_OTP':
    case 'SMS_OTP':
    case 'SELECT_MFA_TYPE':
      return 'multi-factor authentication asks for it at every login, also after one in a browser. Have an administrator of the user pool turn it off for this user';
    case 'MFA_SETUP':
      return 'the user pool requires multi-factor authentication, and this user has set up none; to set it up would not help, because it would then be asked for at every login. Have an administrator of the user pool except this user from it';
    default:
      return 'only the client that the pool is made for can answer it. Ask the operators of InfinStor for a user who logs in by password alone';
  }
}
