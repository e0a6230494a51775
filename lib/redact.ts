import { AsyncLocalStorage } from 'node:async_hooks';

const uuid = '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';

// What a credential looks like that this run need not know. Nothing else looks so: no ARN, id, name or log stream has one of these shapes.
const secretShapes: readonly (readonly [shape: RegExp, replacement: string])[] = [
  // A JWT of Cognito's: an ID token is signed and has three parts, a refresh token is encrypted and has five (RFC 7515, 7516).
  [
    /(?:(?<![\w-])|(?<=%[0-9A-Fa-f]{2}|\\[nrt]))eyJ[\w-]{8,}\.(?:[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+|[\w-]+\.[\w-]*)/g,
    '<token>',
  ],
  // The sister service's custom token: `Custom <uuid>:<urlsafe base64 of 256 bytes>`, and as people are handed it, without the prefix.
  [new RegExp(`Custom(?:\\s|%20|\\+)+${uuid}(?::|%3[Aa])[\\w-]+(?:=|%3[Dd]){0,2}`, 'g'), '<custom token>'],
  [new RegExp(`${uuid}(?::|%3[Aa])[\\w-]{64,}(?:=|%3[Dd]){0,2}`, 'g'), '<custom token>'],
  // A session token of AWS, by what it begins with: before what would hide a part of it.
  [/(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)(?:[\w+/=-]|%2[BbFf]|%3[Dd]){80,}/g, '<redacted>'],
  // The second half of a custom token alone. Names of AWS are shorter, and longer ones have other signs between their parts.
  [/(?:(?<=\\[nrt])|(?<![\w\\-]))[\w-]{300,}={0,2}/g, '<redacted>'],
  [/(Bearer(?:\s|%20|\+)+)[\w.~+/-]{19,}[\w~+/-]=*/gi, '$1<redacted>'],
  // AWS's other ones: a secret access key, by its name; and what signs a URL.
  [
    /(Secret_?Access_?Key(?:[^\w%]|%[0-9A-F]{2}){1,16}?)(?:[A-Z0-9+/]|%2[BF]){40}(?![A-Z0-9+/=]|%2[BF]|%3D)/gi,
    '$1<redacted>',
  ],
  [/([?&](?:X-Amz-)?(?:Signature|Security-Token)=)[\w%+/=-]+/gi, '$1<redacted>'],
];

// Where a reference to a secret is asked for, people put the secret: only what has the form of our references is one.
const reference = /^infinstor\/[\w-]+\/(?:input|subscribers)\/[\w/+=.@-]{1,200}$/;
const secretKeys = /password|secretstring|token(secretid)?$|authorization|^secret$/i;

/** The secrets that the run has met, each with a part that every writing of it has, and what stands in its place; undefined outside of a run. */
const known = new AsyncLocalStorage<Map<string, { mark: string; label: string }>>();

/** A shorter one is no password of Cognito's, and could stand anywhere by chance. */
const minLength = 6;

/** Runs something that redacts by value: what `know` gets in it, and nothing of another run. */
export const withKnownSecrets = <Result>(run: () => Result): Result => known.run(new Map(), run);

/**
 * Remembers for the rest of the run a secret that was read, made or issued: `redact` then hides it from any text, whatever it looks like.
 * Does nothing outside of `withKnownSecrets`.
 */
export function know(secret: string): void {
  const secrets = known.getStore();
  if (secrets === undefined) return;
  // People, and InfinStor, may write a custom token without its first part.
  for (const value of [secret, secret.slice(secret.lastIndexOf(':') + 1)]) {
    if (value.length < minLength || (value !== secret && value.length < 20)) continue;
    const label = secretShapes.find(([shape]) => value.replace(shape, '') === '')?.[1] ?? '<redacted>';
    if (!secrets.has(value)) secrets.set(value, { mark: markOf(value), label });
  }
}

/** Its longest run of letters and digits, which no writing changes: to look for it is a thousandth of the work. */
const markOf = (text: string): string =>
  (text.match(/\w+/g) ?? []).reduce((longest, run) => (run.length > longest.length ? run : longest), '');

/**
 * Finds a text as it is, in JSON (also of ASCII alone), in HTML, in a URL and in a form, and in one of these within another one: each of its
 * signs may be written in any of these ways, and the backslashes and ampersands of a writing may be written otherwise again.
 */
function writingOf(text: string): RegExp {
  return new RegExp(text.replace(/\\+|[^\\]/gsu, writingsOfSign), 'g');
}

// Each repetition has a limit: without one, a long text of the repeated would take all of the function's time.
const semicolon = '(?:;|%(?:25){0,3}3[Bb])';
const ampersand = `(?:&|%(?:25){0,3}26)(?:amp${semicolon}){0,3}`;
const number = '(?:#|%(?:25){0,3}23)';
const slashes = [String.raw`\\`, '%(?:25){0,3}5[Cc]', `${ampersand}${number}(?:0{0,3}92|[xX]0{0,3}5[Cc])${semicolon}`];
const slash = `(?:${slashes.join('|')})`;

/** @param sign a character, or all backslashes that stand together */
function writingsOfSign(sign: string): string {
  // Each JSON around them doubles them. What follows them may begin with one, too, so that they are counted, and all of one kind.
  if (sign.startsWith('\\')) {
    const ways = [8, 4, 2, 1].flatMap((times) => slashes.map((one) => `(?:${one}){${times * sign.length}}`));
    return `(?:${ways.join('|')})`;
  }
  if (/\w/.test(sign)) return sign;
  const code = sign.codePointAt(0) ?? 0;
  const units = [...Array(sign.length).keys()].map((index) => `${slash}{1,8}u${hex(sign.charCodeAt(index), 4)}`);
  const ways = [
    ...(namesOfSigns[sign] ?? []),
    units.join(''),
    Array.from(Buffer.from(sign), (byte) => `%(?:25){0,3}${hex(byte, 2)}`).join(''),
    `${ampersand}${number}(?:0{0,3}${code}|[xX]0{0,3}${hex(code, 1)})${semicolon}`,
    // Last: a percent sign or an ampersand of another way is this one's beginning.
    sign.replace(/[$()*+.?[\]^{|}/-]/, '\\$&'),
  ];
  return `${'"\'/'.includes(sign) ? `${slash}{0,7}` : ''}(?:${ways.join('|')})`;
}

/** In hexadecimal digits of either case. */
const hex = (value: number, length: number) =>
  value
    .toString(16)
    .padStart(length, '0')
    .replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);

/** How some signs are written by a name, or in a form. */
const namesOfSigns: Readonly<Record<string, readonly string[]>> = {
  ' ': [String.raw`\+`, '%(?:25){0,3}2[bB]'],
  '"': [`${ampersand}quot${semicolon}`],
  "'": [`${ampersand}apos${semicolon}`],
  '<': [`${ampersand}lt${semicolon}`],
  '>': [`${ampersand}gt${semicolon}`],
  '&': [ampersand],
  '\n': [`${slash}{1,8}n`],
  '\r': [`${slash}{1,8}r`],
  '\t': [`${slash}{1,8}t`],
};

/** The text without the secrets that the run knows, and without what has the shape of one. ARNs, ids and names stay whole. */
export function redact(text: string): string {
  return secretShapes.reduce((result, [shape, replacement]) => result.replace(shape, replacement), withoutKnown(text));
}

function withoutKnown(text: string): string {
  // The longest first: one may be a part of another.
  return [...(known.getStore() ?? [])]
    .filter(([, { mark }]) => text.includes(mark))
    .toSorted(([a], [b]) => b.length - a.length)
    .reduce((result, [secret, { label }]) => result.replace(writingOf(secret), () => label), text);
}

/** Whether a text has a secret in it, in any of the ways in which it may be written. */
export const quotes = (text: string, secret: string): boolean => writingOf(secret).test(text);

// What a text of AWS names beside credentials, and stays: ARNs, the stream of a function's log, addresses, and ids, S3's second one among them.
const names =
  /\b(?:Extended Request ID|HostId): [\w+/]{74,76}={0,2}(?![\w+/])|\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b(?![\w+/=-])|\barn:[\w-]+:[\w-]+:[\w-]*:\d*:[^\s"'<>|(),;]+|\d{4}\/\d{2}\/\d{2}\/\[[^\]\s]+\][0-9a-f]{32}|https?:\/\/[^\s"'<>?]+/g;

/**
 * Redacts what may quote a custom token that nobody knows yet and whose shape is not documented: hides every opaque word, too. A word that
 * is made of parts as names have them is none.
 */
export function redactOpaque(text: string): string {
  const redacted = redact(text);
  let result = '';
  let end = 0;
  for (const { 0: name, index } of redacted.matchAll(names)) {
    result += withoutOpaque(redacted.slice(end, index)) + name;
    end = index + name.length;
  }
  return result + withoutOpaque(redacted.slice(end));
}

const withoutOpaque = (text: string) => text.replace(/[\w+/=-]{24,}/g, (word) => (isName(word) ? word : '<redacted>'));

/** Whether an unbroken text is made of words, numbers and hashes; its last part may be the end that CloudFormation gives to names. */
function isName(text: string): boolean {
  const parts = text.split(/[_/=-]/).filter((part) => !hash.test(part));
  const hasEnd = parts.length > 1 && /^[A-Za-z0-9]{1,13}$/.test(parts.at(-1) ?? '');
  const body = hasEnd ? parts.slice(0, -1) : parts;
  // A word of an opaque text has about two letters on average.
  const words = body.flatMap((part) => part.match(/[A-Z]?[a-z]+|[A-Z]+|\d+|\W+/g) ?? []);
  return words.length * 3.5 <= body.join('').length;
}

const hash = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[a-z0-9]{26})$/;

/** A `JSON.stringify` replacer that hides values under names of secrets, and in all other strings what `redact` does. */
export function redactingReplacer(key: string, value: unknown): unknown {
  const isReference = key.endsWith('SecretId') && typeof value === 'string' && reference.test(value);
  if (isReference) return value;
  if (secretKeys.test(key) && value !== undefined) return '<redacted>';
  return typeof value === 'string' ? redact(value) : value;
}
