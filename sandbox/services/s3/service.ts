import { AwsError, type Caller } from '../../core/operation.ts';
import type { Answer } from '../../http/protocols.ts';
import { bucketAnswers } from './bucket-answers.ts';
import { listBuckets } from './list-buckets.ts';
import { objectAnswers } from './object-answers.ts';
import { decoded, type ObjectPlace } from './object-store.ts';
import { denied, type S3Operation, type S3Parts } from './operations.ts';
import { checkChecksum, checkPayload } from './payload.ts';

/** The header names are in lower case. */
export interface S3Request {
  method: string;
  /** Of a path-style URL: `/<bucket>/<key>`, percent-encoded. */
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

/** S3's REST API, as far as templates, osls and the count of buckets need it: https://docs.aws.amazon.com/AmazonS3/latest/API/ */
export function createS3(parts: S3Parts): S3 {
  const { objects, authorize } = parts;
  const operations: Readonly<Record<string, S3Operation>> = { ...bucketAnswers(parts), ...objectAnswers(parts) };

  function operationOf(method: string, isOfBucket: boolean, query: URLSearchParams) {
    for (const [name, operation] of Object.entries(operations)) {
      const { marker } = operation;
      if (operation.method !== method || operation.ofBucket !== isOfBucket) continue;
      if (marker !== undefined && !query.has(marker)) continue;
      // SDKs say which operation they mean.
      const known = ['x-id', ...(marker === undefined ? [] : [marker]), ...operation.parameters];
      if ([...query.keys()].every((key) => known.includes(key))) return { name, operation };
    }
    return undefined;
  }

  return {
    operations: [...Object.keys(operations), 'ListBuckets'],
    callOf({ method, path, query, headers, body, caller }) {
      if (method === 'GET' && path === '/') {
        if (caller === undefined) throw denied();
        checkPayload(headers['x-amz-content-sha256'], body);
        authorize(caller, { action: 's3:ListAllMyBuckets', resource: '*' });
        return listBuckets(objects, query, caller);
      }
      const [, bucket = '', key = ''] = /^\/([^/]+)(?:\/(.*))?$/s.exec(path) ?? [];
      const found = bucket === '' ? undefined : operationOf(method, key === '', query);
      if (found === undefined) {
        const all = query.size === 0 ? path : `${path}?${query}`;
        throw new AwsError('NotImplemented', `The sandbox does not have ${method} ${all} of S3`, 501);
      }
      const { name, operation } = found;
      const input = { bucket, key: decoded(key) };
      if (caller === undefined) {
        if (name !== 'GetObject' || !objects.isPublic(bucket)) throw denied();
      } else {
        checkPayload(headers['x-amz-content-sha256'], body);
        checkChecksum(headers, body);
        const about = operation.ofBucket ? { bucket } : input;
        if (operation.action !== undefined) authorize(caller, objects.access(operation.action, about));
      }
      return { operation: name, input, run: () => operation.run({ place: input, query, headers, body, caller }) };
    },
  };
}
