import { randomUUID } from 'node:crypto';
import { AwsError } from '../../core/operation.ts';
import type { TokenUser } from './tokens.ts';

export interface User extends TokenUser {
  password: string;
  /** `EXTERNAL_PROVIDER`: logs in elsewhere, and has no password here. */
  status: 'CONFIRMED' | 'FORCE_CHANGE_PASSWORD' | 'EXTERNAL_PROVIDER';
  /** Wrong passwords since the last right one, or since the lockout was forgotten. */
  failures: number;
  lockedUntil: number;
  /** When somebody last tried to log in. */
  triedAt: number;
  /** How often the user was locked. */
  lockouts: number;
}

export interface UserStore {
  /** @throws AwsError UsernameExistsException */
  add(user: { userName: string; password: string; email: string; status: User['status'] }): void;
  find(userName: string): User | undefined;
  withEmail(email: string): User | undefined;
  /** Like `find`; throws UserNotFoundException. */
  existing(userName: string): User;
  /** @throws AwsError UserNotFoundException */
  delete(userName: string): void;
}

/** The users of the pool; names are unique ignoring case. */
export function createUserStore(): UserStore {
  const users = new Map<string, User>();
  const find = (userName: string) => users.get(userName.toLowerCase());
  return {
    find,
    add(user) {
      const id = user.userName.toLowerCase();
      if (users.has(id)) throw new AwsError('UsernameExistsException', 'User account already exists');
      users.set(id, { ...user, sub: randomUUID(), failures: 0, lockedUntil: 0, triedAt: 0, lockouts: 0 });
    },
    withEmail: (email) => [...users.values()].find((user) => user.email.toLowerCase() === email.toLowerCase()),
    existing(userName) {
      const user = find(userName);
      if (user === undefined) throw userNotFound();
      return user;
    },
    delete(userName) {
      if (!users.delete(userName.toLowerCase())) throw userNotFound();
    },
  };
}

export const userNotFound = () => new AwsError('UserNotFoundException', 'User does not exist.');
