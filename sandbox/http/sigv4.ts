import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto';

/**
 * AWS's Signature Version 4 in an `Authorization` header, as a service computes it anew:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */

/** A request as it came over the wire. */
export interface SignedRequest {
  method: string;
  /** Path and query, as sent. */
  target: string;
  headers: CanonicalHeaders;
  body: Uint8Array | string;
}

/** The values of headers as a canonical request has them, by their names in lower case. */
export type CanonicalHeaders = ReadonlyMap<string, string>;

/** @param sent in the order in which they were sent; a name may stand there several times */
export function canonicalHeaders(sent: Iterable<readonly [name: string, value: string]>): CanonicalHeaders {
  const headers = new Map<string, string>();
  for (const [given, value] of sent) {
    const name = given.toLowerCase();
    const before = headers.get(name);
    headers.set(name, before === undefined ? trimmed(value) : `${before},${trimmed(value)}`);
  }
  return headers;
}

/** What a signature is valid for: a day, a Region and a service. */
export interface Scope {
  /** `20150830` */
  date: string;
  region: string;
  service: string;
}

/** What an `Authorization` header says. */
export interface Authorization {
  accessKeyId: string;
  scope: Scope;
  /** In lower case. */
  signedHeaders: readonly string[];
  signature: string;
}

const algorithm = 'AWS4-HMAC-SHA256';

/**
 * Reads an `Authorization` header. Returns what is wrong with it, in AWS's words as far as they are known, when it is not
 * complete: the text of an `IncompleteSignature`.
 */
export function parseAuthorization(header: string): Authorization | { incomplete: string } {
  const space = header.indexOf(' ');
  const given = space === -1 ? header : header.slice(0, space);
  if (given !== algorithm) return { incomplete: `Unsupported AWS 'algorithm': '${given}'.` };
  const parts = new Map<string, string>();
  for (const part of header.slice(space + 1).split(/[,\s]+/)) {
    const equals = part.indexOf('=');
    if (equals < 1) {
      return { incomplete: `'${part}' not a valid key=value pair (missing equal-sign) in Authorization header.` };
    }
    parts.set(part.slice(0, equals), part.slice(equals + 1));
  }
  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter((name) => !parts.get(name));
  if (missing.length > 0) {
    return { incomplete: missing.map((name) => `Authorization header requires '${name}' parameter.`).join(' ') };
  }
  const credential = parts.get('Credential') ?? '';
  const [accessKeyId, date, region, service, end, ...rest] = credential.split('/');
  if (!accessKeyId || !date || !region || !service || end !== 'aws4_request' || rest.length > 0) {
    return {
      incomplete: `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request, got '${credential}'.`,
    };
  }
  return {
    accessKeyId,
    scope: { date, region, service },
    signedHeaders: (parts.get('SignedHeaders') ?? '').split(';'),
    signature: parts.get('Signature') ?? '',
  };
}

/** The canonical request, over the headers that a signature names. */
function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[], service: string): string {
  const mark = request.target.indexOf('?');
  const path = mark === -1 ? request.target : request.target.slice(0, mark);
  const query = mark === -1 ? '' : request.target.slice(mark + 1);
  return [
    request.method,
    // The names of S3's objects may have several slashes and dots, and are encoded once.
    service === 's3' ? path : canonicalPath(path),
    canonicalQuery(query),
    ...signedHeaders.map((name) => `${name}:${request.headers.get(name) ?? ''}`),
    '',
    signedHeaders.join(';'),
    sha256(request.body),
  ].join('\n');
}

/** @param time of the request, as its header has it: `20150830T123600Z` */
const stringToSign = (canonical: string, time: string, scope: Scope) =>
  [algorithm, time, `${scope.date}/${scope.region}/${scope.service}/aws4_request`, sha256(canonical)].join('\n');

/** The key of a secret access key that signs for a day, a Region and a service. */
export function signingKey(secretAccessKey: string, { date, region, service }: Scope): KeyObject {
  return [date, region, service, 'aws4_request'].reduce(
    (key, part) => createSecretKey(hmac(key, part)),
    createSecretKey(Buffer.from(`AWS4${secretAccessKey}`)),
  );
}

/** Whether the signature is the one that the key makes of the request. Takes the same time wherever it differs. */
export function isSignedWith(
  key: KeyObject,
  request: SignedRequest,
  { scope, signedHeaders, signature }: Authorization,
  time: string,
): boolean {
  const expected = hmac(key, stringToSign(canonicalRequest(request, signedHeaders, scope.service), time, scope));
  const given = Buffer.from(signature, 'hex');
  // Hexadecimal digits only, and in lower case: another writing of the same bytes is another signature.
  return given.toString('hex') === signature && given.length === expected.length && timingSafeEqual(given, expected);
}

/** Segments are encoded once more than they were sent: `%20` is `%2520`, as for all services but S3. */
function canonicalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(encode(segment));
  }
  return `/${segments.join('/')}${segments.length > 0 && path.endsWith('/') ? '/' : ''}`;
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=');
      const [name, value] = equals === -1 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
      return [encode(decoded(name)), encode(decoded(value))] as const;
    })
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** Encoded text has ASCII only, so that code units are in the order of code points. */
const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

/** Everything but RFC 3986's unreserved characters, with capital digits. */
const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Without blanks around it, and with one for several; most values have neither. */
const trimmed = (value: string) =>
  /^\s|\s\s|[\t\r\n]|\s$/.test(value) ? value.replace(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, '') : value;

const sha256 = (content: Uint8Array | string) => hash('sha256', content, 'hex');
/** Node makes such an object of any other key, at each use and slowly. */
const hmac = (key: KeyObject, content: string) => createHmac('sha256', key).update(content).digest();
