import { parseJson } from '../json.ts';
import { redact } from '../redact.ts';

/** A call was sent and may have had its effect; the message says what is known of its answer. */
export class LostAnswer extends Error {
  override readonly name = 'LostAnswer';
}

/** An answer of InfinStor as it came; `location` is where a redirect leads. */
export interface Answer {
  status: number;
  location: string | undefined;
  body: string;
}

/**
 * `unclear`: the call may have had its effect. `named`: refused with words that the caller knows. After `refused`, `token-refused`
 * and `throttled` nothing has happened.
 */
type Verdict = 'success' | 'named' | 'refused' | 'token-refused' | 'throttled' | 'unclear';

/**
 * What status, location and page of an answer show before its body is read. InfinStor documents neither statuses nor texts, so
 * only what clearly says so is taken for a refusal or an expired login.
 * @param isNamed whether a body names a refusal that the caller knows by its words, which say more than a status
 */
export function verdict({ status, location, body }: Answer, isNamed: (body: string) => boolean): Verdict {
  // A gateway's own page may speak of a login, too.
  if (status >= 500) return 'unclear';
  // API Gateway throttles before the service sees the call.
  if (status === 429) return 'throttled';
  // A proxy that gave up waiting for the request may have passed on a part of it.
  if (status === 408) return 'unclear';
  if (isLoginExpired(body)) return 'token-refused';
  // A status says less than these words: 403 may be the service's for what it refuses otherwise.
  if (status >= 400 && isNamed(body)) return 'named';
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
export function saysDuplicate(body: string, userName: string): boolean {
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
export function errorIn(body: string): string | undefined {
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

/**
 * What people may read of an answer, which may quote the password; JSON escapes its quotes and backslashes.
 * @param hide what takes other secrets out of it
 */
export function quotable(text: string, password: string | undefined, hide = redact): string {
  // First of all: the rest of a partly hidden password would be shown.
  if (password !== undefined && (text.includes(password) || text.includes(JSON.stringify(password).slice(1, -1)))) {
    return 'its answer is withheld, as it quotes the password';
  }
  // Cut last: half of a secret no longer looks like one.
  return hide(text).slice(0, 200);
}
