import { setTimeout as wait } from 'node:timers/promises';
import { clientConfig } from '../clients.ts';
import { explain } from '../explain.ts';
import { rememberFailedCall } from '../failed-calls.ts';
import { type HttpAnswer, NoAnswer } from '../http.ts';
import { givenEndpoint, type Signing, signedRequest } from './request.ts';

/** Reads and writes small objects. */
export interface S3 {
  /**
   * The bytes of an object.
   * @throws ObjectNotReadable when there is none, it may not be read, or it is elsewhere than the URL says
   * @throws TooLongAnswer when it has more bytes than that
   * @throws S3Error
   */
  get(url: string, maxBytes: number): Promise<Buffer>;
  /** Writes an object, or again the same. @throws S3Error */
  put(url: string, bytes: Uint8Array): Promise<void>;
}

/**
 * What no repeat reads. S3 does not distinguish what is not there from what may not be read, for a caller that may not list the bucket.
 * The message has the call and whose role it is beside S3's words, because it becomes a part of other errors' messages.
 */
export class ObjectNotReadable extends Error {
  override readonly name = 'ObjectNotReadable';
  /** S3's. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What S3 refused; the name is S3's code, or one that the state machines retry. */
class S3Error extends Error {
  override readonly name: string;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** Where an object is. */
interface Place {
  bucket: string;
  key: string;
  region: string;
  /** The host of S3 there, without the bucket. */
  host: string;
}

/**
 * S3, as far as templates need it. The SDK's client would add 150 KB to each bundle, which may have 450; its signer is in every
 * bundle already (docs/decisions/0034-pinned-templates.md).
 * @param signing the configuration of any client: its credentials and hash are used
 */
export function createS3(signing: Signing): S3 {
  function send(
    method: 'GET' | 'PUT',
    { bucket, key, region, host }: Place,
    options: { body?: Uint8Array; maxBytes?: number; attempt: number },
  ): Promise<HttpAnswer> {
    const url = new URL(`${givenEndpoint('S3') ?? `https://${host}`}/${bucket}/${key}`);
    return signedRequest(signing, { service: 's3', region, method, url, ...options, config: clientConfig });
  }

  /** Both calls may be repeated: a second write of the same bytes changes nothing. @throws S3Error, with its call beside it */
  async function sendWithRetries(
    method: 'GET' | 'PUT',
    url: string,
    options: { body?: Uint8Array; maxBytes?: number },
  ): Promise<Buffer> {
    let place = placeOf(url);
    let waitedMs = 0;
    for (let attempts = 1; ; attempts += 1) {
      const isLast = attempts >= clientConfig.maxAttempts;
      const failed = (error: S3Error): S3Error => {
        rememberFailedCall(error, { action: actions[method], resource: url, attempts, waitedMs });
        return error;
      };
      try {
        const answer = await send(method, place, { ...options, attempt: attempts });
        if (answer.status === 200) return answer.body;
        const elsewhere = regionOf(answer, place);
        if (!isLast && elsewhere !== undefined) place = elsewhere;
        else if (isLast || answer.status < 500) throw failed(errorOf(answer));
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        if (isLast) throw failed(new S3Error('NetworkingError', `S3 (${place.host}): ${error.message}`));
      }
      const pauseMs = Math.random() * 500 * 2 ** attempts;
      waitedMs += pauseMs;
      await wait(pauseMs);
    }
  }

  return {
    async get(url, maxBytes) {
      try {
        return await sendWithRetries('GET', url, { maxBytes });
      } catch (error) {
        const isFinal = error instanceof S3Error && notReadable.includes(error.name);
        throw isFinal ? new ObjectNotReadable(error.name, explain(error)) : error;
      }
    },
    async put(url, bytes) {
      await sendWithRetries('PUT', url, { body: bytes });
    },
  };
}

const actions = { GET: 's3:GetObject', PUT: 's3:PutObject' };

/** S3's codes for what no repeat reads ("Error responses", S3 API reference): those of another Region are left when its own could not be followed. */
const notReadable: readonly string[] = [
  ...[
    'InvalidURI',
    'AccessDenied',
    'AllAccessDisabled',
    'NoSuchKey',
    'NoSuchBucket',
    'InvalidBucketName',
    'MethodNotAllowed',
  ],
  ...[
    'AuthorizationHeaderMalformed',
    'IllegalLocationConstraintException',
    'PermanentRedirect',
    'Status301',
    'Status307',
  ],
];

/**
 * Reads an object's URL, with the bucket in its path or in its host (S3 user guide, "Virtual hosting of buckets").
 * @throws S3Error for a URL that is not S3's
 */
export function placeOf(url: string): Place {
  const { hostname, pathname } = new URL(url);
  const [, inHost, named, suffix = ''] =
    /^(?:(.+)\.)?s3(?:[.-]([a-z0-9-]+))?(\.amazonaws\.com(?:\.cn)?)$/.exec(hostname) ?? [];
  const [, inPath = '', rest = ''] = /^\/([^/]+)\/(.+)$/.exec(pathname) ?? [];
  const bucket = inHost ?? inPath;
  const key = inHost === undefined ? rest : pathname.slice(1);
  if (suffix === '' || bucket === '' || key === '')
    throw new S3Error('InvalidURI', `${url} is not the URL of an object in S3`);
  const region = named ?? 'us-east-1';
  return { bucket, key, region, host: hostAt(named, suffix) };
}

const hostAt = (region: string | undefined, suffix: string) => `s3${region === undefined ? '' : `.${region}`}${suffix}`;

/**
 * The same object at the Region that S3 names when it was asked in another one: with status 301 and no Location
 * (JuliaCloud/AWSS3.jl#25), or 400 AuthorizationHeaderMalformed (aws/aws-sdk-java-v2#4425).
 */
function regionOf({ status, headers }: HttpAnswer, place: Place): Place | undefined {
  const region = [headers['x-amz-bucket-region']].flat()[0];
  if (![301, 307, 400].includes(status) || region === undefined || region === place.region) return undefined;
  const suffix = place.host.endsWith('.cn') ? '.amazonaws.com.cn' : '.amazonaws.com';
  return { ...place, region, host: hostAt(region, suffix) };
}

/** An error's code, which is S3's own or says whether it may pass. */
function errorOf({ status, body }: HttpAnswer): S3Error {
  const text = body.subarray(0, 4096).toString('utf8');
  const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? (status >= 500 ? 'ServerError' : `Status${status}`);
  const message = unescaped(/<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? '');
  return new S3Error(code, `S3 answered ${status} ${code}${message === '' ? '' : `: ${message}`}`);
}

/** Of what XML writes otherwise, what S3's messages have: ARNs in quotation marks. */
const unescaped = (text: string) => text.replace(/&(quot|apos|#39|lt|gt|amp);/g, (_, name) => characters[name] ?? '');
const characters: Readonly<Record<string, string>> = { quot: '"', apos: "'", '#39': "'", lt: '<', gt: '>', amp: '&' };
