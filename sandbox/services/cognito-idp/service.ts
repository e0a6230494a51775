import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { AwsError, operation, type Service } from '../../core/operation.ts';

const hour = 60 * 60 * 1000;
const refreshTokenLife = 30 * 24 * hour;

interface User {
  userName: string;
  password: string;
  email: string;
  /** `EXTERNAL_PROVIDER`: logs in elsewhere, and has no password here. */
  status: 'CONFIRMED' | 'FORCE_CHANGE_PASSWORD' | 'EXTERNAL_PROVIDER';
  sub: string;
  failures: number;
  lockedUntil: number;
}

export interface Cognito {
  service: Service;
  /** The app client that allows USER_PASSWORD_AUTH and REFRESH_TOKEN_AUTH. */
  clientId: string;
  /** Throws when there is such a user already (names are unique ignoring case). */
  createUser(user: { userName: string; password: string; email: string; status?: User['status'] }): void;
  hasUser(userName: string): boolean;
  deleteUser(userName: string): void;
  setStatus(userName: string, status: User['status']): void;
  /** Changes what is given of a user, who need not be let in again. */
  changeUser(userName: string, change: { password?: string | undefined; email?: string | undefined }): void;
  /** The e-mail address of a user. */
  emailOf(userName: string): string | undefined;
  /** Answers a login of a user who is not there like one with a wrong password, as pools with PreventUserExistenceErrors do. */
  hideMissingUsers(): void;
  /** Turns refresh token rotation on, with which the client has no REFRESH_TOKEN_AUTH any more. */
  rotateRefreshTokens(): void;
  /** Verifies an ID token: its user, or that it has expired; undefined when it is not one of this pool's ID tokens. */
  userOf(idToken: string): { userName: string } | 'expired' | undefined;
}

const claims = v.object({ 'cognito:username': v.string(), token_use: v.literal('id'), exp: v.number() });

/**
 * One Cognito user pool with `InitiateAuth`: https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/
 * Tokens live an hour, refresh tokens 30 days, as in a pool with default settings.
 */
export function createCognito({ clock }: { clock: Clock }): Cognito {
  const users = new Map<string, User>();
  const refreshTokens = new Map<string, { user: User; expires: number }>();
  const key = randomBytes(32);
  let missingUsersAreHidden = false;
  let refreshTokensRotate = false;
  const clientId = '4sandbox0cli0client0000000';

  const signatureOf = (content: string) => createHmac('sha256', key).update(content).digest('base64url');

  function sign(user: User, tokenUse: 'id' | 'access', use: object): string {
    const issuedAt = Math.floor(clock.now() / 1000);
    const payload = {
      sub: user.sub,
      iss: `https://cognito-idp.${account.region}.amazonaws.com/${account.region}_Sandbox00`,
      token_use: tokenUse,
      auth_time: issuedAt,
      iat: issuedAt,
      exp: issuedAt + hour / 1000,
      jti: randomUUID(),
      ...use,
    };
    const content = `${encode({ alg: 'HS256', kid: 'sandbox' })}.${encode(payload)}`;
    return `${content}.${signatureOf(content)}`;
  }

  const tokensOf = (user: User) => ({
    AccessToken: sign(user, 'access', { username: user.userName, client_id: clientId }),
    IdToken: sign(user, 'id', { 'cognito:username': user.userName, email: user.email, aud: clientId }),
    ExpiresIn: hour / 1000,
    TokenType: 'Bearer',
  });

  function byPassword(parameters: Record<string, string>) {
    const user = users.get(required(parameters, 'USERNAME').toLowerCase());
    const password = required(parameters, 'PASSWORD');
    // What a pool does that was made without a word about it (API reference, UserPoolClientType, PreventUserExistenceErrors).
    if (user === undefined && !missingUsersAreHidden) {
      throw new AwsError('UserNotFoundException', 'User does not exist.');
    }
    if (user !== undefined && user.lockedUntil > clock.now()) throw notAuthorized('Password attempts exceeded');
    if (user?.password !== password) {
      if (user !== undefined) countFailure(user);
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
        const refreshToken = `eyJ${randomBytes(384).toString('base64url')}`;
        refreshTokens.set(refreshToken, { user, expires: clock.now() + refreshTokenLife });
        return { ChallengeParameters: {}, AuthenticationResult: { ...tokensOf(user), RefreshToken: refreshToken } };
      }
    }
  }

  // Five wrong passwords lock the user for a second, and each further one for twice as long, up to about 15 minutes:
  // https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html
  function countFailure(user: User) {
    user.failures += 1;
    if (user.failures >= 5) user.lockedUntil = clock.now() + Math.min(2 ** (user.failures - 5), 900) * 1000;
  }

  function byRefreshToken(parameters: Record<string, string>) {
    // https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-refresh-token.html#using-the-refresh-token-rotation
    if (refreshTokensRotate) {
      throw new AwsError('InvalidParameterException', 'REFRESH_TOKEN_AUTH flow not enabled for this client');
    }
    const grant = refreshTokens.get(required(parameters, 'REFRESH_TOKEN'));
    if (grant === undefined) throw notAuthorized('Invalid Refresh Token');
    if (grant.expires <= clock.now()) throw notAuthorized('Refresh Token has expired');
    return { ChallengeParameters: {}, AuthenticationResult: tokensOf(grant.user) };
  }

  function existing(userName: string): User {
    const user = users.get(userName.toLowerCase());
    if (user === undefined) throw new AwsError('UserNotFoundException', 'User does not exist.');
    return user;
  }

  const service: Service = {
    name: 'cognito-idp',
    protocol: 'json',
    operations: {
      InitiateAuth: operation(
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
      ),
    },
  };

  return {
    service,
    clientId,
    createUser({ status = 'CONFIRMED', ...user }) {
      const id = user.userName.toLowerCase();
      if (users.has(id)) throw new AwsError('UsernameExistsException', 'User account already exists');
      users.set(id, { ...user, status, sub: randomUUID(), failures: 0, lockedUntil: 0 });
    },
    hasUser: (userName) => users.has(userName.toLowerCase()),
    deleteUser(userName) {
      if (!users.delete(userName.toLowerCase())) throw new AwsError('UserNotFoundException', 'User does not exist.');
    },
    setStatus(userName, status) {
      existing(userName).status = status;
    },
    changeUser(userName, { password, email }) {
      const user = existing(userName);
      user.password = password ?? user.password;
      user.email = email ?? user.email;
    },
    emailOf: (userName) => users.get(userName.toLowerCase())?.email,
    hideMissingUsers() {
      missingUsersAreHidden = true;
    },
    rotateRefreshTokens() {
      refreshTokensRotate = true;
    },
    userOf(idToken) {
      const [header, payload, signature] = idToken.split('.');
      if (payload === undefined || signature !== signatureOf(`${header}.${payload}`)) return undefined;
      const token = v.safeParse(claims, JSON.parse(Buffer.from(payload, 'base64url').toString()));
      if (!token.success) return undefined;
      if (token.output.exp * 1000 <= clock.now()) return 'expired';
      return { userName: token.output['cognito:username'] };
    },
  };
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

const notAuthorized = (message: string) => new AwsError('NotAuthorizedException', message);

function required(parameters: Record<string, string>, name: string): string {
  const value = parameters[name];
  if (value !== undefined) return value;
  throw new AwsError('InvalidParameterException', `Missing required parameter ${name}`);
}
