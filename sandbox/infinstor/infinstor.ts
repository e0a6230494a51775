import type { Clock } from '../core/clock.ts';
import { type InfinStorResponse, json, refusal } from './answers.ts';
import { type CallParts, calls, loginExpired } from './calls.ts';
import type { InfinStorRequest } from './requests.ts';
import { createSubscriberStore, type Registration, type Subscriber } from './subscriber-store.ts';
import { type InfinStorVariant, usualVariant } from './variant.ts';

export interface InfinStor {
  handle(request: InfinStorRequest): InfinStorResponse;
  /** The names of the calls that it has. */
  operations: readonly string[];
  /** How the service answers a fault: with this status, as to an expired login, or as API Gateway for it; any other name is throttling. */
  failure(name: string): InfinStorResponse;
  subscribers(): readonly Readonly<Subscriber>[];
  /** The users under a subscriber, in the order in which they were made. */
  usersOf(userName: string): readonly { userName: string; emailId: string }[];
  /** The custom token of a subscriber, as a person would read it from the vendor, also again. */
  customTokenOf(userName: string): string | undefined;
  /** The secret access keys that `customerinfo` has answered with so far: no trace may hold one. */
  secretAccessKeys(): readonly string[];
  /** Issues another custom token for a subscriber, as a person might get it from the vendor: no call is documented that does. */
  renewToken(userName: string): string;
  /** Deletes a subscriber, as a person would by the vendor's means: no call is documented that does. */
  deleteSubscriber(userName: string): void;
  /** Makes it differ from the usual one in this, and in nothing else, from now on. */
  vary(difference: Partial<InfinStorVariant>): void;
  /** Lets the service no longer know a subscriber, whose user stays in the pool. */
  forget(userName: string): void;
  /**
   * The stack's callback with its custom token, which may come more than once.
   * Throws an Error `Invalid token` or, seven days after the token was issued, `Expired token`.
   */
  redeem(customToken: string, registration: Registration): void;
}

interface InfinStorOptions extends Omit<CallParts, 'store' | 'variant'> {
  clock: Clock;
  /** How it differs from the usual one. */
  variant?: Partial<InfinStorVariant>;
}

/** The multi-tenant MLflow service, as far as its REST interface is known. */
export function createInfinStor({ clock, variant: difference, ...options }: InfinStorOptions): InfinStor {
  const variant = { ...usualVariant, ...difference };
  const store = createSubscriberStore(clock, variant);
  const parts = { ...options, store, variant };

  function existing(userName: string): Subscriber {
    const subscriber = store.find(userName);
    if (subscriber === undefined) throw new Error(`There is no subscriber ${userName}`);
    return subscriber;
  }

  return {
    operations: Object.keys(calls).map((route) => route.slice(route.lastIndexOf('/') + 1)),
    handle(request) {
      const name = `${request.method} ${request.path}`;
      const call = Object.hasOwn(calls, name) ? calls[name] : undefined;
      return call?.(request, parts) ?? refusal(404, `The sandbox's InfinStor does not have ${name}`);
    },
    failure(name) {
      if (name === 'LoginExpired') return loginExpired(parts);
      if (name === 'EndpointTimedOut') return json(504, { message: 'Endpoint request timed out' });
      return /^\d{3}$/.test(name)
        ? json(Number(name), { message: 'A fault was asked for' })
        : json(429, { message: name });
    },
    subscribers: store.all,
    usersOf: (userName) => store.usersOf(userName).map(({ subscriber, ...user }) => user),
    customTokenOf: store.tokenOf,
    secretAccessKeys: () => store.accessKeys().map(({ secret }) => secret),
    renewToken: (userName) => store.issueToken(existing(userName)).customToken,
    deleteSubscriber(userName) {
      const subscriber = existing(userName);
      store.revokeTokens(subscriber);
      store.delete(userName);
      options.cognito.deleteUser(userName);
    },
    vary: (other) => void Object.assign(variant, usualVariant, other),
    forget: (userName) => void store.delete(userName),
    redeem: store.redeem,
  };
}
