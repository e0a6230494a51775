import { parseJson } from '../json.ts';

/**
 * What the words of an answer say. `exists`: something of the user exists already, and it does not say whether that is the name. `half-done`: the
 * call failed after a part of its effect, or at an unknown point. `not-the-token`: refused before the service or by its own
 * permissions, for which no token is to blame.
 */
export type Meaning =
  | 'user-exists'
  | 'email-taken'
  | 'exists'
  | 'user-unknown'
  | 'password'
  | 'throttled'
  | 'half-done'
  | 'token'
  | 'not-the-token';

/** Whom a call was about. */
export interface Named {
  userName: string;
  emailId?: string | undefined;
}

/**
 * What an answer says, by its clauses and the names of errors in them. InfinStor documents no texts: these are the sister service's, those of
 * Cognito's administrator calls (API reference, AdminCreateUser, AdminSetUserPassword, AdminUpdateUserAttributes), which a service may
 * pass on, those of API Gateway in front of it (developer guide, "Gateway response types"), and the likely ones.
 * @returns undefined for whatever is not clear
 */
export function meaningOf(body: string, named: Named): Meaning | undefined {
  if (isPage(body)) return /\bcloudfront\b|\brequest blocked\b/i.test(body) ? 'not-the-token' : undefined;
  const text = wordsOf(body);
  return existing(text, named) ?? other.find(([words]) => words.test(text))?.[1];
}

/**
 * Whether an error may be that of a call which a service makes after the one that makes the user, so that the user may be there. boto3 names the call;
 * `AdminCreateUser` and `SignUp` make the user, and what they refuse is not there. Without the call's name, a rate or the e-mails of a
 * day may be used up by either, and the passwords that a user has had are no matter of a new one (Cognito API reference, errors of
 * AdminCreateUser and AdminSetUserPassword).
 * @param meaning what `meaningOf` makes of it
 */
export function mayFollowCreation(
  { status, body }: { status: number; body: string },
  meaning: Meaning | undefined,
): boolean {
  if (isPage(body)) return false;
  const text = wordsOf(body);
  if (/\bPasswordHistoryPolicyViolationException\b|\bdaily email limit\b/i.test(text)) return true;
  const call = /\bwhen calling the (\w+) operation\b/i.exec(text)?.[1];
  // Whose access token has expired is the caller's: it is looked at first.
  if (call !== undefined) return !/^(?:AdminCreateUser|SignUp)$/i.test(call) && meaning !== 'token';
  // API Gateway's own 429 comes before the service sees the call.
  return meaning === 'throttled' && status !== 429;
}

const isPage = (body: string) => /^\s*</.test(body);

// In this order: a refusal may name user, password and token beside what it is about.
const other: readonly (readonly [words: RegExp, meaning: Meaning])[] = [
  // Cognito makes the user first, and then delivers and runs triggers; only PreSignUp comes before.
  [
    /\b(?:CodeDeliveryFailure|InternalError|UnexpectedLambda|InvalidLambdaResponse)Exception\b|\bUserLambdaValidationException\b(?!.*\bPreSignUp\b)|\binternal (?:server )?error\b|\btimed? ?out\b|\bservice unavailable\b/i,
    'half-done',
  ],
  // A quota that is full does not pass by waiting, and has the name LimitExceededException, too.
  [
    /\b(?:TooManyRequests(?:Exception)?|Throttling(?:Exception)?|ThrottledException)\b|\b(?:rate|attempt limit) exceeded\b|\btoo many requests\b/i,
    'throttled',
  ],
  [
    /\bmissing authentication token\b|\bnot authorized to perform\b|\bkey=value pair\b|\bauthorization header requires\b|\bsignature we calculated\b|\bsecurity token included\b|\b(?:AccessDenied|IncompleteSignature|UnrecognizedClient)(?:Exception)?\b/i,
    'not-the-token',
  ],
  [/\b(?:InvalidPassword|PasswordHistoryPolicyViolation)Exception\b/i, 'password'],
  [
    /\bpassword\b.*\b(?:conform|policy|weak|strong|short|long|must|invalid|security|previously|required)\b/i,
    'password',
  ],
  [/\b(?:weak|invalid|missing|bad)\b.*\bpassword\b/i, 'password'],
  [
    /\bUserNotFoundException\b|\b(?:user|username|subscriber|customer)\b(?:[^.;:]|[.:]\S)*\b(?:not found|(?:does not|doesn't|doesnt) exist|unknown)\b|\b(?:no such|unknown) (?:user|username|subscriber|customer)\b/i,
    'user-unknown',
  ],
  [
    /\btoken\b[^.;:]*\b(?:expired|invalid|not valid|revoked|malformed)\b|\b(?:expired|invalid|malformed)\b[^.;:]*\btoken\b|\blogin expired\b/i,
    'token',
  ],
];

/** All strings of a text of JSON, also of one that is inside of another; any other text as it is. Quotes are left out. */
function wordsOf(body: string): string {
  const strings: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === 'string') {
      const inner = /^\s*[[{]/.test(value) ? parseJson(value) : undefined;
      if (inner === undefined) strings.push(value);
      else collect(inner);
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
  };
  const parsed = parseJson(body);
  collect(parsed === undefined ? body : parsed);
  return strings
    .join('; ')
    .replace(/[\\"'`‘’“”]/g, '')
    .replace(/\s+/g, ' ');
}

const exists =
  /\b(?:(?:is |has |was |has been |are )?already (?:exists?|in use|taken|registered|used|been (?:taken|used|registered|supplied))|exists|is taken|is in use|has been taken|is not (?:available|unique)|is used by)\b/i;
const email = /\be-?mail(?: ?id| ?address)?\b/i;
const user = /\b(?:user ?name|user ?id|user|subscriber|login)\b/i;
const otherThing =
  /\b(?:role|bucket|table|stack|group|policy|file|domain|key|token|resource|pool|phone(?:_number)?|attribute)\b/i;
const condition = /\b(?:if|whether|unless|until|when|once)\b/i;
const filler =
  /\b(?:account|name|named|called|user|username|with|of|this|that|the|same|given|which|is|it|has|entry|record|id)\b/gi;
const denial = /\bno (?:such )?(?:user|username|subscriber)\b|\b(?:not|never|doesnt)$/i;

/** What exists by the words, of user and e-mail address; undefined when it is neither, or nothing is said to exist. */
function existing(text: string, { userName, emailId }: Named): Meaning | undefined {
  // The address of a user whose name is given only describes the user.
  const short = emailId === undefined ? text : text.replace(new RegExp(`\\(${literal(emailId)}\\)`, 'gi'), '');
  const plain = short.replace(/\bkey (?=\()/gi, '').replace(/[()=]+/g, ' ');
  const found = new Set(
    plain.split(/[.;:,] /).map((clause) => existingIn(clause.replace(/\s+/g, ' '), userName, emailId)),
  );
  for (const meaning of ['email-taken', 'exists', 'user-exists'] as const) if (found.has(meaning)) return meaning;
  // Cognito has these names for every attribute by which users log in.
  if (/\bphone/i.test(text)) return undefined;
  if (/\bAliasExistsException\b/i.test(text)) return 'email-taken';
  return /\bUsernameExistsException\b/i.test(text) ? 'user-exists' : undefined;
}

/** What one clause says to exist: what it speaks of before the verb, or after "duplicate". */
function existingIn(clause: string, userName: string, emailId: string | undefined): Meaning | undefined {
  const duplicate = /\bduplicate\b(?! key)(.*)/i.exec(clause)?.[1];
  const at = exists.exec(clause);
  const subject = (duplicate ?? (at === null ? '' : clause.slice(0, at.index))).trim();
  if (subject === '' || condition.test(subject) || denial.test(subject)) return undefined;
  // An address in the place of the name is the address.
  const words = emailId === undefined ? subject : subject.replace(new RegExp(literal(emailId), 'gi'), 'email');
  const [emailAt, userAt, otherAt] = [placeOf(email, words), placeOf(user, words), placeOf(otherThing, words)];
  // "The role of user acme": what comes first is what exists.
  if (otherAt < userAt && otherAt < emailAt) return undefined;
  if (userAt === Infinity && emailAt === Infinity) return /\baccount\b/i.test(words) ? 'exists' : undefined;
  if (userAt === Infinity) return 'email-taken';
  const name = `(?<![\\w@-])${literal(userName)}(?![\\w@-])`;
  if (emailAt < Infinity) {
    if (/\b(?:or|and)\b|\//i.test(words)) return 'exists';
    const isNamed = new RegExp(`${user.source} (?:account |name |named |called )?${name}`, 'i').test(words);
    return isNamed && userAt < emailAt ? 'user-exists' : 'email-taken';
  }
  // Another user may exist than the one that the call was about.
  const rest = words.slice(userAt).replace(user, '').replace(new RegExp(name, 'gi'), '').replace(filler, '').trim();
  return rest === '' ? 'user-exists' : 'exists';
}

const placeOf = (thing: RegExp, words: string) => {
  const at = words.search(thing);
  return at < 0 ? Infinity : at;
};

const literal = (text: string) => text.replace(/[^\w@]/g, '\\$&');
