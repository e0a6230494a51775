import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Access, Caller } from '../../../../../sandbox/core/operation.ts';
import type { BucketStore } from '../../../../../sandbox/services/s3/bucket-resource.ts';
import { createObjectStore, objectAt } from '../../../../../sandbox/services/s3/object-store.ts';
import { createS3 } from '../../../../../sandbox/services/s3/service.ts';

const arn = 'arn:aws:iam::222222222222:user/somebody';
const caller = (...actions: string[]): Caller => ({
  accountId: '111111111111',
  region: 'us-east-1',
  arn,
  principalArn: arn,
  principalId: 'AIDA',
  policies: actions.map((Action) => ({ Version: '2012-10-17', Statement: { Effect: 'Allow', Action, Resource: '*' } })),
});
const hashOf = (body: string) => createHash('sha256').update(body).digest('hex');

function setUp() {
  const stackId = 'arn:aws:cloudformation:us-east-1:111111111111:stack/deployment/1';
  const encryption = { algorithm: 'AES256', bucketKey: false } as const;
  const policy = { Version: '2012-10-17', Statement: [] };
  const buckets: BucketStore = new Map([['ours', { name: 'ours', stackId, encryption, cors: [], policy }]]);
  const vendor = new Map([['https://s3.amazonaws.com/infinstorcft/1.0/template.yaml', 'Resources: {}\n']]);
  const asked: Access[] = [];
  const objects = createObjectStore(buckets, (url) => vendor.get(url));
  const s3 = createS3({ objects, now: () => 0, authorize: (_, access) => void asked.push(access) });
  const call = (method: string, target: string, { by, body = '', hash = hashOf(body), headers = {} }: Call = {}) => {
    const { pathname: path, searchParams: query } = new URL(target, 'http://sandbox');
    const all = { 'x-amz-content-sha256': hash, ...headers };
    return s3.callOf({ method, path, query, headers: all, body: Buffer.from(body), caller: by });
  };
  return { objects, asked, call, policy };
}
interface Call {
  by?: Caller;
  body?: string;
  hash?: string;
  headers?: Record<string, string>;
}

describe('an object', () => {
  it('is read as it was written, with the hash of its bytes as its ETag', () => {
    const { call, asked, policy } = setUp();
    const by = caller('s3:*');
    const put = call('PUT', '/ours/templates/a.yaml', { by, body: 'Träger\n' });
    expect(put).toMatchObject({ operation: 'PutObject', input: { bucket: 'ours', key: 'templates/a.yaml' } });
    const etag = `"${createHash('md5').update('Träger\n').digest('hex')}"`;
    expect(put.run()).toMatchObject({ status: 200, headers: { etag } });
    expect(call('GET', '/ours/templates/a.yaml', { by }).run()).toMatchObject({ headers: { etag }, body: 'Träger\n' });
    const resource = { resource: 'arn:aws:s3:::ours/templates/a.yaml', resourcePolicy: policy };
    expect(asked).toEqual([
      { action: 's3:PutObject', ...resource, resourceAccountId: '111111111111' },
      { action: 's3:GetObject', ...resource, resourceAccountId: '111111111111' },
    ]);
  });

  it.each([
    ['who may list the bucket', 's3:*', 'NoSuchKey'],
    ['who may only read objects', 's3:GetObject', 'AccessDeniedException'],
  ])('that is not there is for %s: %3$s', (_, action, code) => {
    const { call } = setUp();
    expect(() => call('GET', '/ours/missing', { by: caller(action) }).run()).toThrow(expect.objectContaining({ code }));
  });

  it('of the vendor is read by everybody, signed or not', () => {
    const { call, asked } = setUp();
    const path = '/infinstorcft/1.0/template.yaml';
    expect(call('GET', path).run().body).toBe('Resources: {}\n');
    expect(call('GET', path, { by: caller() }).run().body).toBe('Resources: {}\n');
    // Of a principal of another account both sides are asked, though the bucket is public.
    expect(asked).toEqual([{ action: 's3:GetObject', resource: 'arn:aws:s3:::infinstorcft/1.0/template.yaml' }]);
  });

  it.each([
    ['an unsigned read of a bucket that is not public', 'GET', '/ours/a', {}, 'AccessDeniedException'],
    ['an unsigned write', 'PUT', '/infinstorcft/a', {}, 'AccessDeniedException'],
    [
      'a write by a caller who may write everywhere',
      'PUT',
      '/infinstorcft/a',
      { by: caller('*') },
      'AccessDeniedException',
    ],
    ['an unsigned read of what the vendor does not have', 'GET', '/infinstorcft/a', {}, 'AccessDeniedException'],
    ['a bucket that is not there', 'GET', '/nowhere/a', { by: caller('s3:*') }, 'NoSuchBucket'],
    ['a write into a bucket that is not there', 'PUT', '/nowhere/a', { by: caller('s3:*') }, 'NoSuchBucket'],
    ['a write of too much', 'PUT', '/ours/a', { by: caller('s3:*'), body: 'x'.repeat(5_000_001) }, 'EntityTooLarge'],
    ['another operation', 'DELETE', '/ours/a', { by: caller('s3:*') }, 'NotImplemented'],
    ['an operation on a bucket', 'GET', '/ours', { by: caller('s3:*') }, 'NotImplemented'],
    [
      'another body than was signed',
      'PUT',
      '/ours/a',
      { by: caller('s3:*'), body: 'x', hash: hashOf('y') },
      'XAmzContentSHA256Mismatch',
    ],
    [
      'a stream',
      'PUT',
      '/ours/a',
      { by: caller('s3:*'), hash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' },
      'NotImplemented',
    ],
  ])('refuses %s', (_, method, path, options, code) => {
    const { call } = setUp();
    expect(() => call(method, path, options).run()).toThrow(expect.objectContaining({ code }));
  });
});

describe('the URL of an object', () => {
  it.each([
    ['https://s3.amazonaws.com/bucket/a/b', { bucket: 'bucket', key: 'a/b' }],
    ['https://s3-eu-west-1.amazonaws.com/bucket/a', { bucket: 'bucket', key: 'a' }],
    ['https://my.bucket.s3.eu-west-1.amazonaws.com/a/b', { bucket: 'my.bucket', key: 'a/b' }],
    ['https://bucket.s3.amazonaws.com/a', { bucket: 'bucket', key: 'a' }],
    ['https://s3.amazonaws.com/bucket/', undefined],
    ['https://s3.amazonaws.com/bucket', undefined],
    ['http://s3.amazonaws.com/bucket/a', undefined],
    ['https://example.com/bucket/a', undefined],
  ])('%s is %j', (url, place) => {
    expect(objectAt(url)).toEqual(place);
  });

  it('leads to its text', () => {
    const { objects } = setUp();
    objects.put({ bucket: 'ours', key: 'a.yaml' }, Buffer.from('text'));
    expect(objects.textAt('https://ours.s3.us-east-1.amazonaws.com/a.yaml')).toBe('text');
    expect(objects.textAt('https://s3.amazonaws.com/infinstorcft/1.0/template.yaml')).toBe('Resources: {}\n');
    expect(objects.textAt('https://gone.s3.us-east-1.amazonaws.com/a.yaml')).toBeUndefined();
  });
});
