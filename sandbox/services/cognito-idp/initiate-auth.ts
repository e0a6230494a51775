import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { Clock } from '../../core/clock.ts';
import { AwsError, operation } from '../../core/operation.ts';
import { clientId, type Tokens } from './tokens.ts';
import { type Factor, type User, type UserStore, userNotFound } from './user-store.ts';

/** How the app client is configured, and the triggers of its pool. */
export interface ClientSettings {
  /** Whether calls must prove that they know the client's secret. */
  hasSecret: boolean;
  /** Whether it allows USER_PASSWORD_AUTH. */
  allowsPasswords: boolean;
  /** What the pre authentication trigger throws; undefined: it lets everybody in. */
  triggerError: string | undefined;
}

export const usualClient: ClientSettings = { hasSecret: false, allowsPasswords: true, triggerError: undefined };

export interface PoolSettings extends ClientSettings {
  /** Whether a login of a user who does not exist is answered like one with a wrong password. */
  missingUsersAreHidden: boolean;
  /** With rotation the client has no REFRESH_TOKEN_AUTH. */
  refreshTokensRotate: boolean;
}

interface Parts {
  clock: Pick<Clock, 'now'>;
  users: Pick<UserStore, 'find'>;
  tokens: Tokens<User>;
  settings: Readonly<PoolSettings>;
}

/** InitiateAuth: https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html */
export function initiateAuth({ clock, users, tokens, settings }: Parts) {
  function byPassword(parameters: Record<string, string>) {
    if (!settings.allowsPasswords) throw notEnabled('USER_PASSWORD_AUTH');
    const user = users.find(required(parameters, 'USERNAME'));
    const password = required(parameters, 'PASSWORD');
    // What a pool does by default (API reference, UserPoolClientType, PreventUserExistenceErrors).
    if (user === undefined && !settings.missingUsersAreHidden) {
      throw userNotFound();
    }
    // Before the password is looked at (developer guide, "Pre authentication Lambda trigger").
    if (settings.triggerError !== undefined) {
      throw new AwsError(
        'UserLambdaValidationException',
        `PreAuthentication failed with error ${settings.triggerError}.`,
      );
    }
    if (user?.isEnabled === false) throw notAuthorized('User is disabled.');
    if (user !== undefined) forgetLockout(user, clock);
    if (user !== undefined && user.lockedUntil > clock.now()) throw notAuthorized('Password attempts exceeded');
    if (user?.password !== password) {
      if (user !== undefined) countFailure(user, clock);
      throw notAuthorized('Incorrect username or password.');
    }
    user.failures = 0;
    switch (user.status) {
      case 'EXTERNAL_PROVIDER':
        throw notAuthorized('Incorrect username or password.');
      case 'UNCONFIRMED':
        throw new AwsError('UserNotConfirmedException', 'User is not confirmed.');
      case 'RESET_REQUIRED':
        throw new AwsError('PasswordResetRequiredException', 'Password reset required for the user');
      case 'FORCE_CHANGE_PASSWORD':
        if (user.temporaryUntil <= clock.now()) {
          throw notAuthorized('Temporary password has expired and must be reset by an administrator.');
        }
        return challenge(user, 'NEW_PASSWORD_REQUIRED', {
          requiredAttributes: '[]',
          userAttributes: JSON.stringify({ email: user.email }),
        });
      case 'CONFIRMED': {
        if (user.factor !== undefined) return challenge(user, user.factor, factorParameters[user.factor]);
        return {
          ChallengeParameters: {},
          AuthenticationResult: { ...tokens.tokensOf(user), RefreshToken: tokens.newRefreshToken(user) },
        };
      }
    }
  }

  function byRefreshToken(parameters: Record<string, string>) {
    // https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-refresh-token.html#using-the-refresh-token-rotation
    if (settings.refreshTokensRotate) {
      throw notEnabled('REFRESH_TOKEN_AUTH');
    }
    const user = tokens.refreshed(required(parameters, 'REFRESH_TOKEN'));
    if (user === undefined) throw notAuthorized('Invalid Refresh Token.');
    if (user === 'revoked') throw notAuthorized('Refresh Token has been revoked');
    if (user === 'expired') throw notAuthorized('Refresh Token has expired');
    return { ChallengeParameters: {}, AuthenticationResult: tokens.tokensOf(user) };
  }

  return operation(
    v.strictObject({
      AuthFlow: v.string(),
      AuthParameters: v.optional(v.record(v.string(), v.string()), {}),
      ClientId: v.string(),
    }),
    {
      run(input) {
        if (input.ClientId !== clientId) {
          throw new AwsError('ResourceNotFoundException', `User pool client ${input.ClientId} does not exist.`);
        }
        if (settings.hasSecret && input.AuthParameters.SECRET_HASH === undefined) {
          throw notAuthorized(`Client ${clientId} is configured with secret but SECRET_HASH was not received`);
        }
        switch (input.AuthFlow) {
          case 'USER_PASSWORD_AUTH':
            return byPassword(input.AuthParameters);
          case 'REFRESH_TOKEN_AUTH':
          case 'REFRESH_TOKEN':
            return byRefreshToken(input.AuthParameters);
          default:
            throw new AwsError('InvalidParameterException', 'Initiate Auth method not supported.');
        }
      },
    },
  );
}

// Of the service model, "ChallengeName" of InitiateAuth.
const factorParameters: Readonly<Record<Factor, Record<string, string>>> = {
  SOFTWARE_TOKEN_MFA: {},
  SMS_MFA: { CODE_DELIVERY_DELIVERY_MEDIUM: 'SMS', CODE_DELIVERY_DESTINATION: '+*******4711' },
  EMAIL_OTP: { CODE_DELIVERY_DELIVERY_MEDIUM: 'EMAIL', CODE_DELIVERY_DESTINATION: 'm***@a***' },
  SELECT_MFA_TYPE: { MFAS_CAN_CHOOSE: '["SMS_MFA","SOFTWARE_TOKEN_MFA"]' },
  MFA_SETUP: { MFAS_CAN_SETUP: '["SOFTWARE_TOKEN_MFA"]' },
};

/** A challenge comes as a success without a result. */
const challenge = (user: User, ChallengeName: string, parameters: Record<string, string>) => ({
  ChallengeName,
  Session: randomBytes(256).toString('base64url'),
  ChallengeParameters: { USER_ID_FOR_SRP: user.userName, ...parameters },
});

// Five wrong passwords lock the user for a second, and each further one for twice as long, up to about 15 minutes. After a lockout, 15
// minutes without a login let Cognito forget it; without one, nothing but a right password does:
// https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html#authentication-flow-lockout-behavior
function countFailure(user: User, clock: Pick<Clock, 'now'>) {
  user.failures += 1;
  if (user.failures < 5) return;
  user.lockedUntil = clock.now() + Math.min(2 ** (user.failures - 5), 900) * 1000;
  user.lockouts += 1;
}

function forgetLockout(user: User, clock: Pick<Clock, 'now'>) {
  if (user.failures >= 5 && clock.now() - user.triedAt >= 15 * 60_000) user.failures = 0;
  user.triedAt = clock.now();
}

const notEnabled = (flow: string) =>
  new AwsError('InvalidParameterException', `${flow} flow not enabled for this client`);

const notAuthorized = (message: string) => new AwsError('NotAuthorizedException', message);

function required(parameters: Record<string, string>, name: string): string {
  const value = parameters[name];
  if (value !== undefined) return value;
  throw new AwsError('InvalidParameterException', `Missing required parameter ${name}`);
}
