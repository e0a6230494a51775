import { InvalidRequest } from '../errors.ts';
import { parseJson } from '../json.ts';
import { quotes, redact } from '../redact.ts';
import type { Meaning } from './answer-text.ts';

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

/** `unclear`: the call may have had its effect. After `refused`, `token-refused` and `throttled` nothing has happened. */
type Verdict = 'success' | 'refused' | 'token-refused' | 'throttled' | 'unclear';

/**
 * What an answer says of a call. InfinStor documents neither statuses nor texts, so only what clearly says so is taken for a refusal or
 * an expired login.
 * @param meaning what its words say, which is more than a status does
 */
export function verdict({ status, location, body }: Answer, meaning: Meaning | undefined): Verdict {
  // A gateway's own page may speak of a login, too.
  if (status >= 500) return 'unclear';
  // API Gateway throttles before the service sees the call.
  if (status === 429) return 'throttled';
  // A proxy that gave up waiting for the request may have passed on a part of it.
  if (status === 408) return 'unclear';
  if (isLoginExpired(body)) return 'token-refused';
  if (status >= 400) return refusal(status, meaning);
  if (status >= 300) {
    if (/\/login(\.html)?([?#]|$)/i.test(location ?? '')) return 'token-refused';
    // These two say that the request is to be made elsewhere; the others follow a call that had its effect, too (RFC 9110, 15.4).
    return status === 307 || status === 308 ? 'refused' : 'unclear';
  }
  return 'success';
}

function refusal(status: number, meaning: Meaning | undefined): Verdict {
  switch (meaning) {
    case 'half-done':
      return 'unclear';
    case 'throttled':
      return 'throttled';
    case 'token':
      return 'token-refused';
    case undefined:
      return status === 401 || status === 403 ? 'token-refused' : 'refused';
    // 403 may be the service's for what it refuses otherwise.
    case 'user-exists':
    case 'email-taken':
    case 'exists':
    case 'user-unknown':
    case 'password':
    case 'not-the-token':
      return 'refused';
  }
}

/**
 * An expired login is answered with a page that leads to login.html, most likely with status 200. A page that merely has a link
 * to a login may be that of a success.
 */
function isLoginExpired(body: string): boolean {
  return /^\s*<.*(?:\blogin expired\b|http-equiv\s*=\s*["']?refresh\b[^>]*\blogin\.html)/is.test(body);
}

// Those of Lambda, MLflow's REST API and AWS's JSON protocols among them.
const errorKeys = ['error', 'errors', 'errormessage', 'errortype', 'errorcode', 'error_code', '__type'];

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
  if (errors.length === 0) return saysFailure(parsed) ? reasonIn(parsed) : undefined;
  return errors.map(([, value]) => (typeof value === 'string' ? value : JSON.stringify(value))).join(', ');
}

/** A function's answer that no integration has unpacked has the true status inside; others have a word for it. */
function saysFailure(answer: object): boolean {
  return Object.entries(answer).some(([name, value]) => {
    if (/^status_?code$/i.test(name)) return Number(value) >= 400;
    if (/^(?:success|ok)$/i.test(name)) return value === false || value === 'false';
    return /^(?:status|result)$/i.test(name) && /^(?:error|fail(?:ed|ure)?)$/i.test(String(value));
  });
}

/** The words of an answer that is parsed, and no other member, which may be a credential; undefined when it has no members. */
export function reasonIn(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const reasons = Object.entries(answer).filter(([name]) =>
    /^(?:message|msg|details?|description|reason|body)$/i.test(name),
  );
  const words = reasons.map(([, value]) => (typeof value === 'string' ? value : JSON.stringify(value)));
  return words.length === 0 ? 'no reason is named' : words.join(', ');
}

const isEmpty = (value: unknown) =>
  value === null || value === false || value === '' || value === 0 || (Array.isArray(value) && value.length === 0);

/**
 * The error for an e-mail address that another user has.
 * @param quoted what InfinStor said, as `quotable` has it
 */
export function emailTaken(field: string, quoted: string): InvalidRequest {
  return new InvalidRequest(field, `InfinStor has another user with this e-mail address (${quoted})`);
}

/**
 * What people may read of an answer, which may quote the password.
 * @param hide what takes other secrets out of it
 */
export function quotable(text: string, password: string | undefined, hide = redact): string {
  // First of all: the rest of a partly hidden password would be shown.
  if (password !== undefined && quotes(text, password)) {
    return 'its answer is withheld, because it quotes the password';
  }
  // Cut last: half of a secret no longer looks like one.
  return hide(text).slice(0, 200);
}
