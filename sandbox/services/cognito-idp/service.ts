import type { Clock } from '../../core/clock.ts';
import type { Service } from '../../core/operation.ts';
import { type ClientSettings, initiateAuth, usualClient } from './initiate-auth.ts';
import { clientId, createTokens } from './tokens.ts';
import { createUserStore, type Factor, type User } from './user-store.ts';

export interface Cognito {
  service: Service;
  /** The app client that allows USER_PASSWORD_AUTH and REFRESH_TOKEN_AUTH. */
  clientId: string;
  /** Throws when there is such a user already (names are unique ignoring case). */
  createUser(user: { userName: string; password: string; email: string; status?: User['status'] }): void;
  hasUser(userName: string): boolean;
  deleteUser(userName: string): void;
  setStatus(userName: string, status: User['status']): void;
  /** Lets an administrator disable or enable a user; disabling revokes its refresh tokens. */
  setEnabled(userName: string, isEnabled: boolean): void;
  /** Lets multi-factor authentication ask this at every login of a user; undefined: nothing. */
  setFactor(userName: string, factor: Factor | undefined): void;
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
  /** Changes the app client and what stands before it; what is not given stays as it is. */
  configure(client: Partial<ClientSettings>): void;
  /** Verifies an ID token: its user, or that it has expired; undefined when it is not one of this pool's ID tokens. */
  userOf(idToken: string): { userName: string } | 'expired' | undefined;
}

/** One Cognito user pool with `InitiateAuth`. */
export function createCognito({ clock }: { clock: Clock }): Cognito {
  const users = createUserStore(clock);
  const tokens = createTokens<User>(clock);
  const settings = { missingUsersAreHidden: false, refreshTokensRotate: false, ...usualClient };

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
    setStatus: users.setStatus,
    setEnabled(userName, isEnabled) {
      const user = users.existing(userName);
      user.isEnabled = isEnabled;
      if (!isEnabled) tokens.revoke(user);
    },
    setFactor(userName, factor) {
      users.existing(userName).factor = factor;
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
    configure: (client) => void Object.assign(settings, client),
    userOf: tokens.userOf,
  };
}
