import type { KeyObject } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { AwsError, type Caller } from '../core/operation.ts';
import type { Accounts } from '../services/iam/accounts.ts';
import {
  type Authorization,
  isSignedWith,
  parseAuthorization,
  type Scope,
  type SignedRequest,
  signingKey,
} from './sigv4.ts';

export interface Authenticator {
  /**
   * Who has signed a request, and for which service.
   * @param expected what its signature must be for, where the request says that in another way, too
   * @throws AwsError MissingAuthenticationTokenException, IncompleteSignatureException, UnrecognizedClientException,
   *   ExpiredTokenException, InvalidSignatureException, which protocols call otherwise
   */
  authenticate(request: SignedRequest, expected?: Partial<Pick<Scope, 'service' | 'region'>>): Authenticated;
}

export interface Authenticated {
  caller: Caller;
  service: string;
}

interface Parts {
  clock: Pick<Clock, 'now' | 'skipsIdle' | 'aheadOfRealTime'>;
  accounts: Pick<Accounts, 'secret' | 'caller'>;
}

/**
 * How far a request's time may be off. AWS's guide says five minutes for most services, and some answer with 15.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
const toleranceMinutes = 5;
const toleranceMs = toleranceMinutes * 60_000;

/** More keys than that are not kept: most are those of sessions that are over. */
const mostKeys = 1_000;

/**
 * Verifies signatures as AWS does. The texts are those with which AWS answered others, as far as they are known:
 * `'Host' …` aws/aws-sdk-php#2469; `… is named as a SignedHeader` curl/curl#11007; `Signature expired` aws/aws-sdk-js#573;
 * `… correct service` aws/aws-sdk-ruby#431; `… valid region` JuliaCloud/AWS.jl#565.
 */
export function createAuthenticator({ clock, accounts }: Parts): Authenticator {
  /** A key serves all requests of a day: four of the five HMACs of a signature are those that make it. */
  const keys = new Map<string, KeyObject>();

  function keyOf(secretAccessKey: string, scope: Scope): KeyObject {
    const name = [secretAccessKey, scope.date, scope.region, scope.service].join('/');
    const known = keys.get(name);
    if (known !== undefined) return known;
    if (keys.size >= mostKeys) keys.clear();
    const key = signingKey(secretAccessKey, scope);
    keys.set(name, key);
    return key;
  }

  /** @throws AwsError UnrecognizedClientException, ExpiredTokenException */
  function identify(request: SignedRequest, { accessKeyId, scope }: Authorization) {
    const secret = accounts.secret(accessKeyId);
    // A session's key is nothing without its token, and a user's has none.
    if (secret === undefined || secret.sessionToken !== request.headers.get('x-amz-security-token')) throw invalid();
    if (secret.expires <= clock.now()) {
      throw new AwsError('ExpiredTokenException', 'The security token included in the request is expired');
    }
    const caller = accounts.caller(accessKeyId, scope.region);
    if (caller === undefined) throw invalid();
    return { caller, secretAccessKey: secret.secretAccessKey };
  }

  return {
    authenticate(request, expected = {}) {
      const { authorization, time } = partsOf(request);
      const { caller, secretAccessKey } = identify(request, authorization);
      checkSignedHeaders(request, authorization);
      checkScope(authorization, time, expected);
      // Who runs on real time cannot know the time of a clock that skips it.
      if (!clock.skipsIdle) checkTime(time, clock.now(), clock.aheadOfRealTime());
      if (!isSignedWith(keyOf(secretAccessKey, authorization.scope), request, authorization, time)) {
        throw mismatch(
          'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
        );
      }
      return { caller, service: authorization.scope.service };
    },
  };
}

/**
 * The signature of a request, and its time.
 * @throws AwsError MissingAuthenticationTokenException, IncompleteSignatureException
 */
function partsOf(request: SignedRequest): { authorization: Authorization; time: string } {
  const header = request.headers.get('authorization');
  if (header === undefined) {
    throw new AwsError('MissingAuthenticationTokenException', 'Request is missing Authentication Token');
  }
  const authorization = parseAuthorization(header);
  if ('incomplete' in authorization) throw incomplete(authorization.incomplete);
  const time = request.headers.get('x-amz-date');
  if (time === undefined) {
    throw incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  }
  if (millisecondsOf(time) === undefined) {
    throw incomplete(`Date must be in ISO-8601 'basic format'. Got '${time}'.`);
  }
  return { authorization, time };
}

/** @throws AwsError InvalidSignatureException, IncompleteSignatureException */
function checkSignedHeaders(request: SignedRequest, { signedHeaders }: Authorization): void {
  if (!signedHeaders.includes('host')) {
    throw mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  }
  for (const name of signedHeaders) {
    if (!request.headers.has(name)) {
      throw incomplete(`'${name}' is named as a SignedHeader, but it does not exist in the HTTP request`);
    }
  }
  for (const name of request.headers.keys()) {
    // Some services let the token be added after signing; a client cannot rely on that.
    if (name.startsWith('x-amz-') && !signedHeaders.includes(name)) {
      throw mismatch(`'${name}' must be a 'SignedHeader' in the AWS Authorization.`);
    }
  }
}

/** @throws AwsError InvalidSignatureException */
function checkScope(
  { scope }: Authorization,
  time: string,
  expected: Partial<Pick<Scope, 'service' | 'region'>>,
): void {
  const day = time.slice(0, 8);
  if (scope.date !== day) {
    throw mismatch(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${scope.date}' != '${day}', from '${time}'.`,
    );
  }
  if (!/^[a-z]{2}(-[a-z]+)+-\d+$/.test(scope.region) || scope.region !== (expected.region ?? scope.region)) {
    throw mismatch(`Credential should be scoped to a valid region, not '${scope.region}'. `);
  }
  if (expected.service !== undefined && scope.service !== expected.service) {
    throw mismatch(`Credential should be scoped to correct service: '${expected.service}'. `);
  }
}

/**
 * A freeze turns the clock ahead for good. Functions sign by the clock then, and clients outside by real time, as most do not correct theirs.
 * @throws AwsError InvalidSignatureException
 */
function checkTime(time: string, now: number, aheadOfRealTime: number): void {
  const signedAt = millisecondsOf(time) ?? 0;
  const ahead = signedAt - wholeSeconds(now);
  if (Math.abs(signedAt - wholeSeconds(now - aheadOfRealTime)) <= toleranceMs) return;
  if (ahead < -toleranceMs) {
    throw mismatch(
      `Signature expired: ${time} is now earlier than ${basic(now - toleranceMs)} (${basic(now)} - ${toleranceMinutes} min.)`,
    );
  }
  if (ahead > toleranceMs) {
    throw mismatch(
      `Signature not yet current: ${time} is still later than ${basic(now + toleranceMs)} (${basic(now)} + ${toleranceMinutes} min.)`,
    );
  }
}

const wholeSeconds = (time: number) => Math.floor(time / 1000) * 1000;

/** The time of a text such as `20150830T123600Z`; undefined when it is none. */
function millisecondsOf(time: string): number | undefined {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? [];
  const milliseconds = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

/** `20150830T123600Z` */
const basic = (time: number) => `${new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;

const invalid = () =>
  new AwsError('UnrecognizedClientException', 'The security token included in the request is invalid.');
const incomplete = (message: string) => new AwsError('IncompleteSignatureException', message);
const mismatch = (message: string) => new AwsError('InvalidSignatureException', message);
