import { beforeEach, describe, expect, it } from 'vitest';
import { account } from '../../../../sandbox/core/account.ts';
import { createClock } from '../../../../sandbox/core/clock.ts';
import { AwsError } from '../../../../sandbox/core/operation.ts';
import { type Authenticator, createAuthenticator } from '../../../../sandbox/http/authenticate.ts';
import { canonicalHeaders } from '../../../../sandbox/http/sigv4.ts';
import type { Credentials } from '../../../../sandbox/services/iam/access-keys.ts';
import { type Accounts, createAccounts } from '../../../../sandbox/services/iam/accounts.ts';
import { signRequest } from '../../../../tools/permissions/sign-request.ts';

const start = Date.parse('2026-03-04T05:06:07Z');
const trust = { Version: '2012-10-17', Statement: [] };
const minute = 60_000;

let now: number;
let accounts: Accounts;
let user: Credentials;
let session: Credentials;
let skipsIdle: boolean;
let ahead: number;
let authenticator: Authenticator;
beforeEach(() => {
  now = start;
  accounts = createAccounts({ ...createClock(), now: () => now });
  const iam = accounts.iam(account.accountId);
  user = iam.credentials(iam.createUser({ userName: 'person' }).arn, '');
  const role = iam.createRole({ roleName: 'worker', assumeRolePolicyDocument: trust });
  session = iam.credentials(role.arn, 'run', 60 * minute);
  skipsIdle = false;
  ahead = 0;
  authenticator = createAuthenticator({
    clock: {
      now: () => now,
      aheadOfRealTime: () => ahead,
      get skipsIdle() {
        return skipsIdle;
      },
    },
    accounts,
  });
});

const withoutToken = ({ sessionToken: _, ...key }: Credentials): Credentials => key;

interface Given {
  credentials?: Credentials;
  region?: string;
  signedAt?: number;
  /** Headers to sign. */
  headers?: Record<string, string>;
  /** Changes the request after it was signed; a header that is undefined is taken away. */
  changed?: (headers: Record<string, string>) => Record<string, string | undefined>;
  body?: string;
}

/** Authenticates a call of KMS, and returns the caller's ARN, or the error with its code. */
async function authenticate(given: Given = {}): Promise<string> {
  const { credentials = user, region = account.region, signedAt = now, headers = {}, body = '{}' } = given;
  const url = 'http://sandbox.example/';
  const signed = await signRequest(
    { method: 'POST', url, body: '{}', headers: { 'x-amz-target': 'TrentService.ListKeys', ...headers } },
    { service: 'kms', now: signedAt, region, credentials },
  );
  const sent = Object.entries(given.changed?.(signed) ?? signed).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  try {
    const request = { method: 'POST', target: '/', headers: canonicalHeaders(sent), body };
    return authenticator.authenticate(request, { service: 'kms' }).caller.arn;
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const authorizationWith = (pattern: RegExp, text: string) => (headers: Record<string, string>) => ({
  ...headers,
  authorization: headers.authorization?.replace(pattern, text),
});

describe('a request', () => {
  it("of a user, and of a role's session, is its own", async () => {
    expect(await authenticate()).toBe('arn:aws:iam::111111111111:user/person');
    expect(await authenticate({ credentials: session })).toBe('arn:aws:sts::111111111111:assumed-role/worker/run');
    // The second one of the day is verified with the key of the first.
    expect(await authenticate({ headers: { 'x-amz-other': 'value' } })).toBe('arn:aws:iam::111111111111:user/person');
  });

  it.each<[string, () => Given, string]>([
    ['is not signed', () => ({ changed: (h) => ({ ...h, authorization: undefined }) }), 'MissingAuthenticationToken'],
    ['has half a signature', () => ({ changed: authorizationWith(/, Signature.*/, '') }), 'IncompleteSignature'],
    ['has no time', () => ({ changed: (h) => ({ ...h, 'x-amz-date': undefined }) }), "of either a 'X-Amz-Date'"],
    [
      'has no time that can be',
      () => ({ changed: (h) => ({ ...h, 'x-amz-date': '20260304T256000Z' }) }),
      'basic format',
    ],
    ['has a time in words', () => ({ changed: (h) => ({ ...h, 'x-amz-date': 'Wed, 04 Mar 2026' }) }), 'basic format'],
    [
      'has an unknown access key',
      () => ({ credentials: { ...user, accessKeyId: 'AKIAUNKNOWN' } }),
      'UnrecognizedClientException: The security token included in the request is invalid.',
    ],
    [
      "is a session's without its token",
      () => ({ credentials: withoutToken(session) }),
      'UnrecognizedClientException: The security token included in the request is invalid.',
    ],
    ['has a token of another session', () => ({ credentials: { ...session, sessionToken: 'x' } }), 'Unrecognized'],
    ["is a user's with a token", () => ({ credentials: { ...user, sessionToken: 'x' } }), 'Unrecognized'],
    [
      'lost its token on the way',
      () => ({ credentials: session, changed: (h) => ({ ...h, 'x-amz-security-token': undefined }) }),
      'Unrecognized',
    ],
    [
      'was signed with another secret key',
      () => ({ credentials: { ...user, secretAccessKey: 'wrong' } }),
      'InvalidSignatureException: The request signature we calculated does not match the signature you provided.',
    ],
    ['has another body', () => ({ body: '{"Limit":1}' }), 'InvalidSignatureException: The request signature'],
    [
      'has another header',
      () => ({ changed: (h) => ({ ...h, 'x-amz-target': 'TrentService.PutKeyPolicy' }) }),
      'InvalidSignatureException: The request signature',
    ],
    [
      'has another host',
      () => ({ changed: (h) => ({ ...h, host: 'elsewhere.example' }) }),
      'InvalidSignatureException: The request signature',
    ],
    [
      'does not sign its host',
      () => ({ changed: authorizationWith(/host;/, '') }),
      "InvalidSignatureException: 'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    ],
    [
      'has a header of AWS that is not signed',
      () => ({ changed: (h) => ({ ...h, 'X-Amz-More': '1' }) }),
      "InvalidSignatureException: 'x-amz-more' must be a 'SignedHeader'",
    ],
    [
      'has lost a signed header',
      () => ({ changed: (h) => ({ ...h, 'x-amz-target': undefined }) }),
      "IncompleteSignatureException: 'x-amz-target' is named as a SignedHeader, but it does not exist",
    ],
    [
      'was signed for another service',
      () => ({ changed: authorizationWith(/\/kms\//, '/iam/') }),
      "InvalidSignatureException: Credential should be scoped to correct service: 'kms'. ",
    ],
    ['was signed for no Region', () => ({ region: 'aws-global' }), 'should be scoped to a valid region, not'],
    [
      'was signed for another day',
      () => ({ changed: authorizationWith(/\/20260304\//, '/20260303/') }),
      "does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260303' != '20260304'",
    ],
  ])('that %s is refused', async (_name, given, message) => {
    expect(await authenticate(given())).toContain(message);
  });

  it('is refused when the session has expired, or its role is another one of the name', async () => {
    now += 60 * minute;
    expect(await authenticate({ credentials: session })).toBe(
      'ExpiredTokenException: The security token included in the request is expired',
    );
    now = start;
    const iam = accounts.iam(account.accountId);
    iam.deleteRole('worker');
    iam.createRole({ roleName: 'worker', assumeRolePolicyDocument: trust });
    expect(await authenticate({ credentials: session })).toContain('UnrecognizedClientException');
  });
});

describe('the time of a request', () => {
  it.each([
    [-5, 'arn:aws:iam::111111111111:user/person'],
    [5, 'arn:aws:iam::111111111111:user/person'],
    [
      -6,
      'InvalidSignatureException: Signature expired: 20260304T050007Z is now earlier than 20260304T050107Z (20260304T050607Z - 5 min.)',
    ],
    [
      6,
      'InvalidSignatureException: Signature not yet current: 20260304T051207Z is still later than 20260304T051107Z (20260304T050607Z + 5 min.)',
    ],
  ])('%i minutes off: %s', async (minutes, result) => {
    expect(await authenticate({ signedAt: now + minutes * minute })).toBe(result);
  });

  it.each([
    [-5, 'user/person'],
    [5, 'user/person'],
    [-23, 'user/person'],
    [-13, 'user/person'],
    // Between the two: nobody's time.
    [-9, 'Signature expired: 20260304T045707Z is now earlier than 20260304T050107Z'],
    [-24, 'Signature expired: 20260304T044207Z is now earlier than 20260304T050107Z'],
    [6, 'Signature not yet current: 20260304T051207Z is still later than 20260304T051107Z'],
  ])(
    "may be real time or the sandbox's, when a freeze has put the clock ahead by 18 minutes: %i",
    async (minutes, result) => {
      ahead = 18 * minute;
      expect(await authenticate({ signedAt: now + minutes * minute })).toContain(result);
    },
  );

  it('is not compared with a clock that skips time', async () => {
    skipsIdle = true;
    expect(await authenticate({ signedAt: now + 60 * minute })).toContain('user/person');
  });
});
