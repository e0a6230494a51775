import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import type { InfinStorVariant } from './variant.ts';

const hour = 60 * 60 * 1000;
/** How long a custom token is good. */
export const week = 7 * 24 * hour;

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
  /** When it ends, by the clock. */
  expires: number;
}

interface AccessKey {
  id: string;
  secret: string;
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
  /**
   * The custom token of a subscriber that is not void: the same again while more than an hour of it is left, else a new one under the same
   * UUID, as the sister service has it.
   */
  tokenOf(userName: string): string | undefined;
  /** What the vendor's client reads a subscriber's buckets with: worth nothing here, and a secret all the same. */
  accessKeyOf(subscriber: Subscriber): AccessKey;
  /** Those that were asked for so far, also of subscribers who are gone. */
  accessKeys(): readonly AccessKey[];
  /** Throws an Error `Invalid token` or, seven days after the token was issued, `Expired token`. */
  redeem(customToken: string, registration: Registration): void;
}

/**
 * What the service knows: subscribers, the users under them, and the custom tokens that it has issued.
 * @param variant read for each token, as it may change meanwhile
 */
export function createSubscriberStore(
  clock: Pick<Clock, 'now'>,
  variant: Readonly<Pick<InfinStorVariant, 'tokenShape' | 'tokenPrefix'>>,
): SubscriberStore {
  const subscribers = new Map<string, Subscriber>();
  const users = new Map<string, SecondaryUser>();
  const accessKeys = new Map<Subscriber, AccessKey>();
  const tokens = new Map<string, IssuedToken & { subscriber: Subscriber }>();

  function revokeTokens(subscriber: Subscriber): void {
    for (const [issued, { subscriber: holder }] of tokens) if (holder === subscriber) tokens.delete(issued);
  }

  function issue(subscriber: Subscriber, id: string): IssuedToken {
    revokeTokens(subscriber);
    const { tokenShape, tokenPrefix } = variant;
    const token = randomBytes(256).toString('base64url');
    const customToken =
      tokenShape === 'opaque' ? randomBytes(30).toString('base64url') : `${tokenPrefix}${id}:${token}`;
    const issued = { id, token, customToken, expires: clock.now() + week };
    tokens.set(customToken, { ...issued, subscriber });
    return issued;
  }

  return {
    all: () => [...subscribers.values()],
    find: (userName) => subscribers.get(userName.toLowerCase()),
    add: (subscriber) => void subscribers.set(subscriber.userName.toLowerCase(), subscriber),
    delete: (userName) => subscribers.delete(userName.toLowerCase()),
    addUser: (user) => void users.set(user.userName.toLowerCase(), user),
    findUser: (userName) => users.get(userName.toLowerCase()),
    usersOf: (userName) => [...users.values()].filter(({ subscriber }) => isNamed(subscriber, userName)),
    issueToken: (subscriber) => issue(subscriber, randomUUID()),
    revokeTokens,
    tokenOf(userName) {
      const issued = [...tokens.values()].find(({ subscriber }) => isNamed(subscriber, userName));
      if (issued === undefined) return undefined;
      const isLasting = issued.expires - clock.now() > hour;
      return (isLasting ? issued : issue(issued.subscriber, issued.id)).customToken;
    },
    accessKeyOf(subscriber) {
      const id = `AKIASANDBOX${randomBytes(4).toString('hex').toUpperCase()}Z`;
      const accessKey = accessKeys.get(subscriber) ?? { id, secret: randomBytes(30).toString('base64') };
      accessKeys.set(subscriber, accessKey);
      return accessKey;
    },
    accessKeys: () => [...accessKeys.values()],
    redeem(customToken, registration) {
      const issued = tokens.get(customToken);
      if (issued === undefined) throw new Error('Invalid token');
      if (issued.expires <= clock.now()) throw new Error('Expired token');
      issued.subscriber.registered = registration;
    },
  };
}

const isNamed = ({ userName }: Subscriber, name: string) => userName.toLowerCase() === name.toLowerCase();
