import type { Clock } from '../../core/clock.ts';
import type { Service } from '../../core/operation.ts';
import { initiateAuth } from './initiate-auth.ts';
import { clientId, createTokens } from './tokens.ts';
import { createUserStore, type User } from './user-store.ts';

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
  /** A user who has this e-mail address, ignoring case. */
  userWithEmail(email: string): string | undefined;
  /** The e-mail address of a user. */
  emailOf(userName: string): string | undefined;
  /** How often wrong passwords have locked a user. */
  lockoutsOf(userName: string): number;
  /** Answers a login of a user who is not there like one with a wrong password, as pools with PreventUserExistenceErrors do. */
  hideMissingUsers(): void;
  /** Turns refresh token rotation on, with which the client has no REFRESH_TOKEN_AUTH any more. */
  rotateRefreshTokens(): void;
  /** Verifies an ID token: its user, or that it has expired; undefined when it is not one of this pool's ID tokens. */
  userOf(idToken: string): { userName: string } | 'expired' | undefined;
}

/** One Cognito user pool with `InitiateAuth`. */
export function createCognito({ clock }: { clock: Clock }): Cognito {
  const users = createUserStore();
  const tokens = createTokens<User>(clock);
  const settings = { missingUsersAreHidden: false, refreshTokensRotate: false };

  return {
    service: {
      name: 'cognito-idp',
      protocol: 'json',
      operations: { InitiateAuth: initiateAuth({ clock, users, tokens, settings }) },
    },
    clientId,
    createUser: ({ status = 'CONFIRMED', ...user }) => users.add({ ...user, status }),
    hasUser: (userName) => users.find(userName) !== undefined,
    deleteUser: users.delete,
    setStatus(userName, status) {
      users.existing(userName).status = status;
    },
    changeUser(userName, { password, email }) {
      const user = users.existing(userName);
      user.password = password ?? user.password;
      user.email = email ?? user.email;
    },
    userWithEmail: (email) => users.withEmail(email)?.userName,
    emailOf: (userName) => users.find(userName)?.email,
    lockoutsOf: (userName) => users.existing(userName).lockouts,
    hideMissingUsers() {
      settings.missingUsersAreHidden = true;
    },
    rotateRefreshTokens() {
      settings.refreshTokensRotate = true;
    },
    userOf: tokens.userOf,
  };
}
