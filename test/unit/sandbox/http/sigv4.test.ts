import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Authorization,
  canonicalHeaders,
  isSignedWith,
  parseAuthorization,
  type SignedRequest,
  signingKey,
} from '../../../../sandbox/http/sigv4.ts';
import { signRequest } from '../../../../tools/permissions/sign-request.ts';
import { suite, vectors } from './sigv4-vectors.ts';

function parsed(header: string): Authorization {
  const authorization = parseAuthorization(header);
  if ('incomplete' in authorization) throw new Error(authorization.incomplete);
  return authorization;
}

function isValid(request: SignedRequest, header: string, secretAccessKey: string): boolean {
  const authorization = parsed(header);
  const time = request.headers.get('x-amz-date') ?? '';
  return isSignedWith(signingKey(secretAccessKey, authorization.scope), request, authorization, time);
}

describe("AWS's test suite", () => {
  it.each(vectors)('$name', ({ method, target, headers, body, signedHeaders, signature }) => {
    const request = { method, target, headers: canonicalHeaders([...suite.headers, ...headers]), body };
    const header = (of: string) =>
      `AWS4-HMAC-SHA256 Credential=${suite.credential}, SignedHeaders=${signedHeaders}, Signature=${of}`;
    expect(isValid(request, header(signature), suite.secretAccessKey)).toBe(true);
    const other = signature.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
    for (const wrong of [other, signature.toUpperCase(), signature.slice(2), `${signature}00`, 'none']) {
      expect(isValid(request, header(wrong), suite.secretAccessKey)).toBe(false);
    }
  });

  it('has the signing key of the guide', () => {
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-examples.html
    const scope = { date: '20120215', region: 'us-east-1', service: 'iam' };
    expect(signingKey(suite.secretAccessKey, scope).export().toString('hex')).toBe(
      'f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d',
    );
  });
});

const word = fc.string({ unit: 'grapheme', maxLength: 6 });
const time = fc.integer({ min: 1_400_000_000, max: 2_000_000_000 }).map((seconds) => seconds * 1000);
const requests = fc.record({
  method: fc.constantFrom('GET', 'POST', 'DELETE'),
  segments: fc.array(word.filter((text) => !/^\.+$/.test(text))),
  query: fc.array(fc.tuple(word, word), { maxLength: 4 }),
  headers: fc.dictionary(
    fc.stringMatching(/^x-[a-z]{1,4}-[a-z]{1,4}$/),
    fc.stringMatching(/^[!-~]([ -~]{0,8}[!-~])?$/),
    { maxKeys: 3 },
  ),
  body: fc.option(fc.string({ unit: 'binary', maxLength: 40 }), { nil: undefined }),
});
const signings = fc.record({
  now: time,
  service: fc.constantFrom('kms', 'execute-api'),
  region: fc.constantFrom('us-east-1', 'eu-west-1'),
  credentials: fc.record({
    accessKeyId: fc.stringMatching(/^[A-Z0-9]{16,20}$/),
    secretAccessKey: fc.string({ minLength: 1, maxLength: 40 }),
    sessionToken: fc.option(fc.stringMatching(/^[\w+/=]{4,40}$/), { nil: undefined }),
  }),
});

/** A request that AWS's SDK has signed, as it comes over the wire. */
const signedRequests = fc.tuple(requests, signings).map(([{ method, segments, query, headers, body }, signing]) => {
  const url = new URL('http://sandbox.example');
  url.pathname = segments.map(encodeURIComponent).join('/');
  // Only so does `URL` not write a space as a plus.
  url.search = query.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
  return {
    ...signing,
    sign: async () => {
      const sent = await signRequest({ method, url, headers, ...(body !== undefined && { body }) }, signing);
      const { authorization = '', ...others } = sent;
      const request = {
        method,
        target: url.pathname + url.search,
        headers: canonicalHeaders(Object.entries(others)),
        body: body ?? '',
      };
      return { request, authorization };
    },
  };
});

describe("the signature of AWS's SDK", () => {
  it('is valid, whatever is signed', async () => {
    await fc.assert(
      fc.asyncProperty(signedRequests, async ({ sign, credentials }) => {
        const { request, authorization } = await sign();
        expect(isValid(request, authorization, credentials.secretAccessKey)).toBe(true);
      }),
    );
  });

  it.each<[string, (request: SignedRequest) => SignedRequest]>([
    ['method', (request) => ({ ...request, method: 'PUT' })],
    ['path', (request) => ({ ...request, target: `/more${request.target}` })],
    ['query', ({ target, ...request }) => ({ ...request, target: `${target}${target.includes('?') ? '&' : '?'}more` })],
    ['body', (request) => ({ ...request, body: `${request.body}.` })],
    [
      'header',
      ({ headers, ...rest }) => ({
        ...rest,
        headers: canonicalHeaders([...headers].map(([name, value]) => [name, `${value}.`])),
      }),
    ],
    [
      'number of a header',
      ({ headers, ...rest }) => ({ ...rest, headers: canonicalHeaders([...headers, ...headers]) }),
    ],
  ])('is not valid for another %s', async (_name, change) => {
    await fc.assert(
      fc.asyncProperty(signedRequests, async ({ sign, credentials }) => {
        const { request, authorization } = await sign();
        expect(isValid(change(request), authorization, credentials.secretAccessKey)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  it('is not valid for another key, day, Region or service', async () => {
    await fc.assert(
      fc.asyncProperty(signedRequests, async ({ sign, credentials: { secretAccessKey } }) => {
        const { request, authorization } = await sign();
        const { scope, ...rest } = parsed(authorization);
        const time = request.headers.get('x-amz-date') ?? '';
        expect(isValid(request, authorization, `${secretAccessKey}.`)).toBe(false);
        for (const name of ['date', 'region', 'service'] as const) {
          const other = { ...scope, [name]: `${scope[name]}1` };
          const isStillValid = isSignedWith(
            signingKey(secretAccessKey, other),
            request,
            { ...rest, scope: other },
            time,
          );
          expect(isStillValid).toBe(false);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('an Authorization header', () => {
  const credential = 'AKIA/20260304/us-east-1/kms/aws4_request';

  it('is read', () => {
    // Not all clients write a space after the comma.
    for (const comma of [', ', ',']) {
      const parts = [`Credential=${credential}`, 'SignedHeaders=host;x-amz-date', 'Signature=00ff'];
      expect(parseAuthorization(`AWS4-HMAC-SHA256 ${parts.join(comma)}`)).toEqual({
        accessKeyId: 'AKIA',
        scope: { date: '20260304', region: 'us-east-1', service: 'kms' },
        signedHeaders: ['host', 'x-amz-date'],
        signature: '00ff',
      });
    }
  });

  it.each([
    ['', "Unsupported AWS 'algorithm': ''."],
    ['Bearer token', "Unsupported AWS 'algorithm': 'Bearer'."],
    [`AWS4-ECDSA-P256-SHA256 Credential=${credential}`, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'."],
    ['AWS4-HMAC-SHA256 Credential', "'Credential' not a valid key=value pair (missing equal-sign)"],
    ['AWS4-HMAC-SHA256 Credential= AKIA/20260304', "'AKIA/20260304' not a valid key=value pair"],
    [`AWS4-HMAC-SHA256 Credential=${credential}, Signature=00`, "requires 'SignedHeaders' parameter."],
    [
      'AWS4-HMAC-SHA256 Signature=, SignedHeaders=host',
      "requires 'Credential' parameter. Authorization header requires",
    ],
    ['AWS4-HMAC-SHA256 Credential=AKIA/kms, Signature=0, SignedHeaders=host', 'exactly 5 slash-delimited elements'],
    [`AWS4-HMAC-SHA256 Credential=${credential}/x, Signature=0, SignedHeaders=host`, 'exactly 5 slash-delimited'],
    ['AWS4-HMAC-SHA256 Credential=A/2/r/s/aws5_request, Signature=0, SignedHeaders=host', 'exactly 5 slash-delimited'],
  ])('that is %j is not complete', (header, message) => {
    expect(parseAuthorization(header)).toEqual({ incomplete: expect.stringContaining(message) });
  });
});
