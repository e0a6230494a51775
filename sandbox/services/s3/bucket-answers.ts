import * as v from 'valibot';
import { AwsError } from '../../core/operation.ts';
import { type Answer, restXml } from '../../http/protocols.ts';
import type { StoredObject } from './object-store.ts';
import { denied, noSuchBucket, type S3Input, type S3Operation, type S3Parts } from './operations.ts';
import { etagOf, hasChecksum } from './payload.ts';

/** Far below S3's 1,000: a client that does not follow the token is found out. */
const pageSize = 10;

/** The operations on a bucket, and on many of its objects. */
export function bucketAnswers({ objects, authorize }: Omit<S3Parts, 'now'>) {
  function requireBucket(bucket: string): void {
    if (!objects.has(bucket)) throw noSuchBucket();
  }

  function list({ place: { bucket }, query }: S3Input): Answer {
    requireBucket(bucket);
    if (query.get('list-type') !== '2') {
      throw new AwsError('NotImplemented', 'The sandbox has ListObjectsV2 alone of the lists of objects', 501);
    }
    const prefix = query.get('prefix') ?? '';
    const after = keyOf(query.get('continuation-token'));
    const all = objects.list(bucket).filter(([key]) => key.startsWith(prefix));
    const start = after === undefined ? 0 : all.findIndex(([key]) => key === after) + 1;
    const maxKeys = Number(query.get('max-keys') ?? 1000);
    // A page may have fewer (API reference, ListObjectsV2).
    const size = Math.min(maxKeys, pageSize);
    const page = all.slice(start, start + size);
    const last = start + size < all.length ? page.at(-1)?.[0] : undefined;
    return restXml({
      ListBucketResult: {
        Name: bucket,
        Prefix: prefix,
        KeyCount: page.length,
        MaxKeys: maxKeys,
        IsTruncated: last !== undefined,
        ...(last !== undefined && { NextContinuationToken: Buffer.from(last).toString('base64url') }),
        Contents: page.map(([key, object]) => ({ Key: key, ...summaryOf(object) })),
      },
    });
  }

  /** Each object is asked about on its own, and to delete what is not there succeeds (API reference, DeleteObjects). */
  function deleteObjects({ place: { bucket }, headers, body, caller }: S3Input): Answer {
    if (caller === undefined) throw denied();
    requireBucket(bucket);
    if (!hasChecksum(headers)) {
      throw new AwsError('InvalidRequest', 'Missing required header for this request: Content-MD5');
    }
    const { keys, quiet } = parseDelete(body.toString('utf8'));
    const results = keys.map((key) => {
      try {
        authorize(caller, objects.access('s3:DeleteObject', { bucket, key }));
        objects.delete({ bucket, key });
        return { key, isDeleted: true };
      } catch (error) {
        if (error instanceof AwsError) return { key, isDeleted: false };
        throw error;
      }
    });
    return restXml({
      DeleteResult: {
        Deleted: quiet ? [] : results.filter(({ isDeleted }) => isDeleted).map(({ key }) => ({ Key: key })),
        Error: results
          .filter(({ isDeleted }) => !isDeleted)
          .map(({ key }) => ({ Key: key, Code: 'AccessDenied', Message: 'Access Denied' })),
      },
    });
  }

  return {
    HeadBucket: {
      method: 'HEAD',
      ofBucket: true,
      parameters: [],
      action: 's3:ListBucket',
      run({ place: { bucket } }: S3Input) {
        const region = objects.regionOf(bucket);
        if (region === undefined) throw noSuchBucket();
        const headers = {
          'x-amz-bucket-region': region,
          'x-amz-bucket-arn': `arn:aws:s3:::${bucket}`,
          'x-amz-access-point-alias': 'false',
        };
        return { status: 200, headers, body: '' };
      },
    },
    ListObjectsV2: {
      method: 'GET',
      ofBucket: true,
      marker: 'list-type',
      parameters: ['prefix', 'continuation-token', 'max-keys'],
      action: 's3:ListBucket',
      run: list,
    },
    DeleteObjects: {
      method: 'POST',
      ofBucket: true,
      marker: 'delete',
      parameters: [],
      run: deleteObjects,
    },
  } satisfies Record<string, S3Operation>;
}

const summaryOf = ({ bytes, lastModified }: StoredObject) => ({
  LastModified: new Date(lastModified).toISOString(),
  ETag: etagOf(bytes),
  Size: bytes.length,
  StorageClass: 'STANDARD',
});

const keyOf = (token: string | null): string | undefined =>
  token === null ? undefined : Buffer.from(token, 'base64url').toString('utf8');

const malformed = () =>
  new AwsError(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
  );

const mostKeys = 1000;
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The one document that S3 is sent here is small and known; anything else in it, such as a version id, is refused. */
function parseDelete(xml: string): { keys: readonly string[]; quiet: boolean } {
  const [, inside] = /^\s*(?:<\?xml[^>]*\?>)?\s*<Delete(?:\s[^>]*)?>(.*)<\/Delete>\s*$/s.exec(xml) ?? [];
  if (inside === undefined) throw malformed();
  const keys: string[] = [];
  let quiet = false;
  const rest = inside.replace(
    /<Object><Key>([^<]*)<\/Key><\/Object>|<Quiet>(true|false)<\/Quiet>/g,
    (_all, key, isQuiet) => {
      if (isQuiet !== undefined) quiet = isQuiet === 'true';
      else keys.push(textOf(v.parse(v.string(), key)));
      return '';
    },
  );
  if (rest.trim() !== '' || keys.length === 0 || keys.length > mostKeys) throw malformed();
  return { keys, quiet };
}

const textOf = (xml: string) =>
  xml.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (_all, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    const character = entities[v.parse(v.string(), name)];
    if (character === undefined) throw malformed();
    return character;
  });
