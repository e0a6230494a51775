import { hash } from 'node:crypto';
import XMLBuilder from 'fast-xml-builder';
import { AwsError, type Caller } from '../../core/operation.ts';
import type { Answer } from '../../http/protocols.ts';
import type { ObjectStore } from './object-store.ts';

const xml = new XMLBuilder({ format: false, suppressEmptyNode: false });

/** The most that a page of AWS has, and the page of a request that asks for pages otherwise than by their size. */
const mostBuckets = 10_000;
const parameters: readonly string[] = ['max-buckets', 'continuation-token', 'prefix', 'bucket-region', 'x-id'];

/**
 * ListBuckets: the buckets of the caller's account, by pages if the request says how large: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
 * @throws AwsError InvalidArgument
 */
export function listBuckets(
  objects: Pick<ObjectStore, 'bucketsOf'>,
  query: URLSearchParams,
  { accountId, region: asked }: Caller,
): { operation: 'ListBuckets'; input: { prefix: string }; run(): Answer } {
  const unknown = [...query.keys()].find((name) => !parameters.includes(name));
  if (unknown !== undefined) {
    throw new AwsError('NotImplemented', `The sandbox's ListBuckets does not have ${unknown}`, 501);
  }
  const size = Number(query.get('max-buckets') ?? mostBuckets);
  if (!Number.isInteger(size) || size < 1 || size > mostBuckets) {
    throw new AwsError('InvalidArgument', 'Argument max-buckets must be an integer between 1 and 10000');
  }
  const prefix = query.get('prefix') ?? '';
  const region = query.get('bucket-region');
  // API reference: a Region's endpoint lists no other Region's buckets alone.
  if (region !== null && region !== asked) {
    throw new AwsError('InvalidArgument', `Argument value ${region} is not a valid AWS Region`);
  }
  const token = query.get('continuation-token') ?? '';
  const after = Buffer.from(token, 'base64url').toString('utf8');

  return {
    operation: 'ListBuckets',
    input: { prefix },
    run() {
      const found = objects
        .bucketsOf(accountId)
        .filter((bucket) => bucket.name.startsWith(prefix) && (region === null || bucket.region === region))
        .filter(({ name }) => name > after);
      const page = found.slice(0, size);
      const isPaged = [...query.keys()].some((name) => name !== 'x-id');
      const Bucket = page.map((bucket) => ({
        Name: bucket.name,
        ...(isPaged && { BucketRegion: bucket.region }),
        BucketArn: `arn:aws:s3:::${bucket.name}`,
      }));
      const last = page.at(-1)?.name ?? '';
      const body = xml.build({
        ListAllMyBucketsResult: {
          // Of the account, in the form of its canonical id.
          Owner: { ID: hash('sha256', accountId) },
          Buckets: Bucket.length === 0 ? '' : { Bucket },
          ...(prefix !== '' && { Prefix: prefix }),
          ...(found.length > size && { ContinuationToken: Buffer.from(last).toString('base64url') }),
        },
      });
      return {
        status: 200,
        headers: { 'content-type': 'application/xml' },
        body: `<?xml version="1.0" encoding="UTF-8"?>\n${body}`,
      };
    },
  };
}
