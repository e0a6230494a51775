import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';

const hour = 60 * 60 * 1000;
const refreshTokenLife = 30 * 24 * hour;
/** The app client that allows USER_PASSWORD_AUTH and REFRESH_TOKEN_AUTH. */
export const clientId = '4sandbox0cli0client0000000';

/** What tokens say of a user. */
export interface TokenUser {
  userName: string;
  email: string;
  sub: string;
}

export interface Tokens<User extends TokenUser> {
  /** New access and ID tokens. */
  tokensOf(user: User): { AccessToken: string; IdToken: string; ExpiresIn: number; TokenType: string };
  newRefreshToken(user: User): string;
  /** The user who was given a refresh token, or why it serves no more; undefined when it is none of this pool's. */
  refreshed(refreshToken: string): User | 'expired' | 'revoked' | undefined;
  /** Makes the refresh tokens of a user void. */
  revoke(user: User): void;
  /** Verifies an ID token: its user, or that it has expired; undefined when it is not one of this pool's ID tokens. */
  userOf(idToken: string): { userName: string } | 'expired' | undefined;
}

const claims = v.object({ 'cognito:username': v.string(), token_use: v.literal('id'), exp: v.number() });

/** The tokens of the pool: they live an hour, refresh tokens 30 days, as in a pool with default settings. */
export function createTokens<User extends TokenUser>(clock: Pick<Clock, 'now'>): Tokens<User> {
  const refreshTokens = new Map<string, { user: User; expires: number; isRevoked: boolean }>();
  const key = randomBytes(32);

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

  return {
    tokensOf: (user: User) => ({
      AccessToken: sign(user, 'access', { username: user.userName, client_id: clientId }),
      IdToken: sign(user, 'id', { 'cognito:username': user.userName, email: user.email, aud: clientId }),
      ExpiresIn: hour / 1000,
      TokenType: 'Bearer',
    }),
    newRefreshToken(user) {
      // Encrypted, as Cognito's are (RFC 7516, 7.1): header, key, initialization vector, text and tag.
      const parts = [256, 12, 640, 16].map((bytes) => randomBytes(bytes).toString('base64url'));
      const refreshToken = [encode({ cty: 'JWT', enc: 'A256GCM', alg: 'RSA-OAEP' }), ...parts].join('.');
      refreshTokens.set(refreshToken, { user, expires: clock.now() + refreshTokenLife, isRevoked: false });
      return refreshToken;
    },
    refreshed(refreshToken) {
      const grant = refreshTokens.get(refreshToken);
      if (grant?.isRevoked) return 'revoked';
      return grant !== undefined && grant.expires <= clock.now() ? 'expired' : grant?.user;
    },
    revoke(user) {
      for (const grant of refreshTokens.values()) grant.isRevoked ||= grant.user === user;
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
