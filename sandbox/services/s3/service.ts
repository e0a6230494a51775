import { createHash, hash } from 'node:crypto';
import { type Access, AwsError, type Caller } from '../../core/operation.ts';
import { decide } from '../../core/policies/policy.ts';
import type { Answer } from '../../http/protocols.ts';
import { listBuckets } from './list-buckets.ts';
import type { ObjectPlace, ObjectStore } from './object-store.ts';

/** The header names are in lower case. */
export interface S3Request {
  method: string;
  /** Of a path-style URL: `/<bucket>/<key>`. */
  path: string;
  query: URLSearchParams;
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
  /** Undefined: the request is not signed. */
  caller: Caller | undefined;
}

/** A request as S3 understands it. */
export interface S3Call {
  operation: string;
  input: ObjectPlace | { prefix: string };
  /** @throws AwsError as S3 does */
  run(): Answer;
}

export interface S3 {
  /** The names of the operations that it has. */
  operations: readonly string[];
  /** Asks IAM for a request, and returns what it is. @throws AwsError as S3 does */
  callOf(request: S3Request): S3Call;
}

interface Parts {
  objects: ObjectStore;
  /** Asks IAM. @throws AwsError AccessDeniedException */
  authorize: (caller: Caller, access: Access) => void;
}

/** What one part of an upload may have: far more than a template. */
const maxBytes = 5_000_000;

/** S3's REST API, as far as templates and the count of buckets need it: https://docs.aws.amazon.com/AmazonS3/latest/API/ */
export function createS3({ objects, authorize }: Parts): S3 {
  function get(place: ObjectPlace, caller: Caller | undefined): Answer {
    const bytes = objects.get(place);
    if (bytes !== undefined) return { status: 200, headers: { etag: etagOf(bytes) }, body: bytes.toString('utf8') };
    if (!objects.has(place.bucket)) throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404);
    // Who may not list the bucket does not learn what is not there (API reference, GetObject, "Permissions").
    const mayList =
      caller !== undefined && decide(caller, objects.access('s3:ListBucket', { bucket: place.bucket })).allowed;
    throw mayList ? new AwsError('NoSuchKey', 'The specified key does not exist.', 404) : denied();
  }

  function put(place: ObjectPlace, body: Buffer): Answer {
    // The vendor's bucket is another account's, which lets others read alone.
    if (objects.isPublic(place.bucket)) throw denied();
    if (!objects.has(place.bucket)) throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404);
    if (body.length > maxBytes)
      throw new AwsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size');
    objects.put(place, body);
    return { status: 200, headers: { etag: etagOf(body) }, body: '' };
  }

  return {
    operations: ['GetObject', 'ListBuckets', 'PutObject'],
    callOf({ method, path, query, headers, body, caller }) {
      if (method === 'GET' && path === '/') {
        if (caller === undefined) throw denied();
        checkPayload(headers['x-amz-content-sha256'], body);
        authorize(caller, { action: 's3:ListAllMyBuckets', resource: '*' });
        return listBuckets(objects, query, caller);
      }
      const [, bucket = '', key = ''] = /^\/([^/]+)\/(.+)$/.exec(path) ?? [];
      if (key === '' || (method !== 'GET' && method !== 'PUT')) {
        throw new AwsError('NotImplemented', `The sandbox does not have ${method} ${path} of S3`, 501);
      }
      const input = { bucket, key };
      if (caller === undefined) {
        if (method !== 'GET' || !objects.isPublic(bucket)) throw denied();
        return { operation: 'GetObject', input, run: () => get(input, caller) };
      }
      checkPayload(headers['x-amz-content-sha256'], body);
      const operation = method === 'GET' ? 'GetObject' : 'PutObject';
      authorize(caller, objects.access(`s3:${operation}`, input));
      return { operation, input, run: () => (method === 'GET' ? get(input, caller) : put(input, body)) };
    },
  };
}

/** S3 wants the payload's hash in a header, too: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
function checkPayload(claimed: string | undefined, body: Buffer): void {
  if (claimed === undefined) {
    throw new AwsError('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  if (!/^[0-9a-f]{64}$/.test(claimed)) {
    throw new AwsError('NotImplemented', `The sandbox does not have payloads that are signed as ${claimed}`, 501);
  }
  if (claimed === hash('sha256', body)) return;
  throw new AwsError(
    'XAmzContentSHA256Mismatch',
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  );
}

const denied = () => new AwsError('AccessDeniedException', 'Access Denied');

/** Of an object that came in one part, and without a KMS key. */
const etagOf = (bytes: Buffer) => `"${createHash('md5').update(bytes).digest('hex')}"`;
