import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import type { Clock } from '../../core/clock.ts';
import { AwsError, operation } from '../../core/operation.ts';
import { clientId, type Tokens } from './tokens.ts';
import { type User, type UserStore, userNotFound } from './user-store.ts';

export interface PoolSettings {
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
    const user = users.find(required(parameters, 'USERNAME'));
    const password = required(parameters, 'PASSWORD');
    // What a pool does by default (API reference, UserPoolClientType, PreventUserExistenceErrors).
    if (user === undefined && !settings.missingUsersAreHidden) {
      throw userNotFound();
    }
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
      case 'FORCE_CHANGE_PASSWORD':
        return {
          ChallengeName: 'NEW_PASSWORD_REQUIRED',
          Session: randomBytes(256).toString('base64url'),
          ChallengeParameters: {
            USER_ID_FOR_SRP: user.userName,
            requiredAttributes: '[]',
            userAttributes: JSON.stringify({ email: user.email }),
          },
        };
      case 'CONFIRMED': {
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
      throw new AwsError('InvalidParameterException', 'REFRESH_TOKEN_AUTH flow not enabled for this client');
    }
    const user = tokens.refreshed(required(parameters, 'REFRESH_TOKEN'));
    if (user === undefined) throw notAuthorized('Invalid Refresh Token');
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

const notAuthorized = (message: string) => new AwsError('NotAuthorizedException', message);

function required(parameters: Record<string, string>, name: string): string {
  const value = parameters[name];
  if (value !== undefined) return value;
  throw new AwsError('InvalidParameterException', `Missing required parameter ${name}`);
}
