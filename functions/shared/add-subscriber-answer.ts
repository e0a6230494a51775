import { InfinStorRejected, InfinStorUnavailable, SubscriberExists, TokenRejected } from './errors.ts';
import { parseJson } from './json.ts';
import { redact, redactOpaque } from './redact.ts';

/** add_subscriber was sent and may have had its effect; the message says what is known of its answer. */
export class LostAnswer extends Error {
  override readonly name = 'LostAnswer';
}

/** An answer as it came; `location` is where a redirect leads. */
export interface Answer {
  status: number;
  location: string | undefined;
  body: string;
}

interface Call {
  subscriber: { userName: string; password: string };
  /** Finds the custom token in a parsed answer. */
  tokenOf: (answer: unknown) => string | undefined;
  /** Where that is, for people. */
  tokenPlace: string;
}

/**
 * The custom token in add_subscriber's answer. InfinStor documents neither statuses nor texts, so only what clearly says so is
 * taken for a refusal, a duplicate or an expired login, and only an answer with a token and without an error for a success.
 * Everything else may have had its effect.
 * @throws TokenRejected, InfinStorRejected, SubscriberExists, InfinStorUnavailable: this call has changed nothing in InfinStor
 * @throws LostAnswer: the call may have had its effect
 */
export function customTokenIn(answer: Answer, { subscriber, tokenOf, tokenPlace }: Call): string {
  const { status, body } = answer;
  switch (verdict(answer, subscriber.userName)) {
    case 'token-refused':
      throw new TokenRejected(`add_subscriber: InfinStor refused the superadmin token (status ${status})`);
    case 'throttled':
      throw new InfinStorUnavailable(`add_subscriber: InfinStor answered ${status}`);
    case 'duplicate':
      throw new SubscriberExists(subscriber.userName);
    case 'refused':
      throw new InfinStorRejected(
        `add_subscriber: InfinStor answered ${status}: ${quotable(body, subscriber.password)}`,
      );
    case 'unclear':
      throw new LostAnswer(`was answered ${status}, which says nothing about its effect`);
    case 'success': {
      const error = errorIn(body);
      const token = error === undefined ? tokenOf(parseJson(body)) : undefined;
      if (token !== undefined) return token;
      if (saysDuplicate(body, subscriber.userName)) throw new SubscriberExists(subscriber.userName);
      // Such an answer may hold the custom token beside the error or at another place: only the error is told.
      const problem =
        error === undefined
          ? `but its answer has no custom token at ${tokenPlace} or a known place`
          : `but with an error: ${quotable(redactOpaque(error), subscriber.password)}`;
      throw new LostAnswer(`was answered ${status}, ${problem}`);
    }
  }
}

type Verdict = 'success' | 'duplicate' | 'refused' | 'token-refused' | 'throttled' | 'unclear';

/** What status, place and page tell before the body is looked into. */
function verdict({ status, location, body }: Answer, userName: string): Verdict {
  // A gateway's own page may speak of a login, too.
  if (status >= 500) return 'unclear';
  // API Gateway throttles before the service sees the call.
  if (status === 429) return 'throttled';
  // Whoever gave up waiting for the request may have passed on a part of it.
  if (status === 408) return 'unclear';
  if (isLoginExpired(body)) return 'token-refused';
  // A status tells less than these words: 403 may be the service's for a name that is taken.
  if (status >= 400 && saysDuplicate(body, userName)) return 'duplicate';
  if (status === 401 || status === 403) return 'token-refused';
  if (status >= 400) return 'refused';
  if (status >= 300) {
    if (/\/login(\.html)?([?#]|$)/i.test(location ?? '')) return 'token-refused';
    // These two say that the request is to be made elsewhere; the others follow a call that had its effect, too (RFC 9110, 15.4).
    return status === 307 || status === 308 ? 'refused' : 'unclear';
  }
  return 'success';
}

/**
 * An expired login is answered with a page that leads to login.html, most likely with status 200. A page that merely has a link
 * to a login may be that of a success.
 */
function isLoginExpired(body: string): boolean {
  return /^\s*<.*(?:\blogin expired\b|http-equiv\s*=\s*["']?refresh\b[^>]*\blogin\.html)/is.test(body);
}

/**
 * Whether an answer says that there is a user of this name. The words are the sister service's, Cognito's (whose message a
 * service may pass on) and the likely ones; InfinStor's own are not documented. An e-mail address or a role that exists is none.
 */
function saysDuplicate(body: string, userName: string): boolean {
  const name = userName.replace(/[^\w-]/g, '\\$&');
  const quote = '[\\\\"\']*';
  const subject = `\\b(?:user|username|subscriber)(?:\\s+account)?(?:\\s+${quote}${name}${quote})?`;
  return new RegExp(
    `\\bUsernameExistsException\\b|(?<!\\bno (?:such )?)${subject}\\s+(?:already\\s+)?exists\\b`,
    'i',
  ).test(body);
}

const errorKeys = ['error', 'errors', 'errormessage', 'errortype'];

/**
 * The error that an answer names whatever its status says: as JSON, which is how Lambda's own errors come through API Gateway, or
 * as the text that the sister service's errors begin with.
 */
function errorIn(body: string): string | undefined {
  const parsed = parseJson(body);
  if (typeof parsed !== 'object' || parsed === null) return /^\W*error\b/i.test(body) ? body : undefined;
  const errors = Object.entries(parsed).filter(
    ([name, value]) => errorKeys.includes(name.toLowerCase()) && !isEmpty(value),
  );
  if (errors.length === 0) return undefined;
  return errors.map(([, value]) => (typeof value === 'string' ? value : JSON.stringify(value))).join(', ');
}

const isEmpty = (value: unknown) =>
  value === null || value === false || value === '' || value === 0 || (Array.isArray(value) && value.length === 0);

/** What people may read of an answer, which may quote the password; JSON escapes its quotes and backslashes. */
function quotable(body: string, password: string): string {
  if (body.includes(password) || body.includes(JSON.stringify(password).slice(1, -1))) {
    return 'its answer is withheld, as it quotes the password';
  }
  // Cut last: half of a secret no longer looks like one.
  return redact(body).slice(0, 200);
}
