import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { AwsError } from '../../core/operation.ts';
import type { TokenUser } from './tokens.ts';

export interface User extends TokenUser {
  password: string;
  /** `EXTERNAL_PROVIDER`: logs in elsewhere, and has no password here. */
  status: 'UNCONFIRMED' | 'CONFIRMED' | 'FORCE_CHANGE_PASSWORD' | 'RESET_REQUIRED' | 'EXTERNAL_PROVIDER';
  /** When a temporary password expires. */
  temporaryUntil: number;
  isEnabled: boolean;
  /** What multi-factor authentication asks at every login. */
  factor: Factor | undefined;
  /** Wrong passwords since the last right one, or since the lockout was forgotten. */
  failures: number;
  lockedUntil: number;
  /** When somebody last tried to log in. */
  triedAt: number;
  /** How often the user was locked. */
  lockouts: number;
}

/** The challenges of multi-factor authentication. */
export type Factor = 'SOFTWARE_TOKEN_MFA' | 'SMS_MFA' | 'EMAIL_OTP' | 'SELECT_MFA_TYPE' | 'MFA_SETUP';

/** How long a temporary password lives in a pool with default settings (API reference, PasswordPolicyType). */
const temporaryLife = 7 * 24 * 60 * 60 * 1000;

export interface UserStore {
  /** @throws AwsError UsernameExistsException */
  add(user: { userName: string; password: string; email: string; status: User['status'] }): void;
  find(userName: string): User | undefined;
  withEmail(email: string): User | undefined;
  /** Like `find`; throws UserNotFoundException. */
  existing(userName: string): User;
  /** Gives a user a status, and with it a temporary password its time. Throws like `existing`. */
  setStatus(userName: string, status: User['status']): void;
  /** @throws AwsError UserNotFoundException */
  delete(userName: string): void;
}

/** The users of the pool; names are unique ignoring case. */
export function createUserStore(clock: Pick<Clock, 'now'>): UserStore {
  const users = new Map<string, User>();
  const find = (userName: string) => users.get(userName.toLowerCase());
  function existing(userName: string): User {
    const user = find(userName);
    if (user === undefined) throw userNotFound();
    return user;
  }

  return {
    find,
    add(user) {
      const id = user.userName.toLowerCase();
      if (users.has(id)) throw new AwsError('UsernameExistsException', 'User account already exists');
      users.set(id, {
        ...user,
        sub: randomUUID(),
        temporaryUntil: clock.now() + temporaryLife,
        isEnabled: true,
        factor: undefined,
        failures: 0,
        lockedUntil: 0,
        triedAt: 0,
        lockouts: 0,
      });
    },
    withEmail: (email) => [...users.values()].find((user) => user.email.toLowerCase() === email.toLowerCase()),
    existing,
    setStatus(userName, status) {
      Object.assign(existing(userName), { status, temporaryUntil: clock.now() + temporaryLife });
    },
    delete(userName) {
      if (!users.delete(userName.toLowerCase())) throw userNotFound();
    },
  };
}

export const userNotFound = () => new AwsError('UserNotFoundException', 'User does not exist.');
