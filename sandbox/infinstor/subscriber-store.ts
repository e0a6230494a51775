import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { InfinStorVariant } from './variant.ts';

const week = 7 * 24 * 60 * 60 * 1000;

/** What a subscriber's stack reports when it is up. */
export interface Registration {
  roleArn: string;
  bucketName: string;
  tableName: string;
}

export interface Subscriber {
  userName: string;
  emailId: string;
  registered?: Registration;
}

/** A user under a subscriber. */
export interface SecondaryUser {
  userName: string;
  emailId: string;
  subscriber: Subscriber;
}

/** A custom token as it was issued, and its two parts. */
export interface IssuedToken {
  id: string;
  token: string;
  customToken: string;
}

export interface SubscriberStore {
  all(): readonly Subscriber[];
  /** Names are unique ignoring case. */
  find(userName: string): Subscriber | undefined;
  add(subscriber: Subscriber): void;
  /** @returns false when there is no such subscriber */
  delete(userName: string): boolean;
  addUser(user: SecondaryUser): void;
  findUser(userName: string): SecondaryUser | undefined;
  /** The users under a subscriber, in the order in which they were made. */
  usersOf(userName: string): readonly SecondaryUser[];
  /** Issues a custom token, with which those before are void. */
  issueToken(subscriber: Subscriber): IssuedToken;
  /** Makes the tokens of a subscriber void. */
  revokeTokens(subscriber: Subscriber): void;
  /** The custom token of a subscriber that is not void. */
  tokenOf(userName: string): string | undefined;
  /** Throws an Error `Invalid token` or, seven days after the token was issued, `Expired token`. */
  redeem(customToken: string, registration: Registration): void;
}

/** What the service knows: subscribers, the users under them, and the custom tokens that it has issued. */
export function createSubscriberStore(
  clock: Pick<Clock, 'now'>,
  { tokenShape, tokenPrefix }: Pick<InfinStorVariant, 'tokenShape' | 'tokenPrefix'>,
): SubscriberStore {
  const subscribers = new Map<string, Subscriber>();
  const users = new Map<string, SecondaryUser>();
  const tokens = new Map<string, { subscriber: Subscriber; expires: number }>();

  function revokeTokens(subscriber: Subscriber): void {
    for (const [issued, { subscriber: holder }] of tokens) if (holder === subscriber) tokens.delete(issued);
  }

  return {
    all: () => [...subscribers.values()],
    find: (userName) => subscribers.get(userName.toLowerCase()),
    add: (subscriber) => void subscribers.set(subscriber.userName.toLowerCase(), subscriber),
    delete: (userName) => subscribers.delete(userName.toLowerCase()),
    addUser: (user) => void users.set(user.userName.toLowerCase(), user),
    findUser: (userName) => users.get(userName.toLowerCase()),
    usersOf: (userName) => [...users.values()].filter(({ subscriber }) => isNamed(subscriber, userName)),
    issueToken(subscriber) {
      revokeTokens(subscriber);
      const id = randomUUID();
      const token = randomBytes(256).toString('base64url');
      const customToken =
        tokenShape === 'opaque' ? randomBytes(30).toString('base64url') : `${tokenPrefix}${id}:${token}`;
      tokens.set(customToken, { subscriber, expires: clock.now() + week });
      return { id, token, customToken };
    },
    revokeTokens,
    tokenOf: (userName) => [...tokens].find(([, { subscriber }]) => isNamed(subscriber, userName))?.[0],
    redeem(customToken, registration) {
      const issued = tokens.get(customToken);
      if (issued === undefined) throw new Error('Invalid token');
      if (issued.expires <= clock.now()) throw new Error('Expired token');
      issued.subscriber.registered = registration;
    },
  };
}

const isNamed = ({ userName }: Subscriber, name: string) => userName.toLowerCase() === name.toLowerCase();
