import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Access, AwsError, type Caller } from '../../../../../sandbox/core/operation.ts';
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
  let now = 0;
  const forbidden = new Set<string>();
  const s3 = createS3({
    objects,
    now: () => now,
    authorize(_, access) {
      asked.push(access);
      if (forbidden.has(access.resource)) throw new AwsError('AccessDeniedException', 'no');
    },
  });
  const call = (method: string, target: string, { by, body = '', hash = hashOf(body), headers = {} }: Call = {}) => {
    const { pathname: path, searchParams: query } = new URL(target, 'http://sandbox');
    const all = { 'x-amz-content-sha256': hash, ...headers };
    return s3.callOf({ method, path, query, headers: all, body: Buffer.from(body), caller: by });
  };
  return {
    ...{ objects, asked, call, policy },
    forbid: (resource: string) => forbidden.add(resource),
    advance(milliseconds: number) {
      now += milliseconds;
    },
  };
}
interface Call {
  by?: Caller;
  body?: string;
  hash?: string;
  headers?: Record<string, string>;
}

const md5Of = (body: string) => createHash('md5').update(body).digest('base64');
const keysIn = ({ body }: { body: string }) => [...body.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key);

describe('a bucket', () => {
  it('answers HEAD with its Region, or that it is not there', () => {
    const { call, asked } = setUp();
    const by = caller('s3:*');
    expect(call('HEAD', '/ours', { by }).run()).toMatchObject({ headers: { 'x-amz-bucket-region': 'us-east-1' } });
    expect(asked).toMatchObject([{ action: 's3:ListBucket', resource: 'arn:aws:s3:::ours' }]);
    expect(() => call('HEAD', '/nowhere', { by }).run()).toThrow(expect.objectContaining({ statusCode: 404 }));
  });

  it('lists its objects by prefix and in pages, in the order of their keys', () => {
    const { call, objects } = setUp();
    const by = caller('s3:*');
    for (const key of ['b/1', 'a/é', ...Array.from({ length: 11 }, (_, n) => `a/${10 + n}`)]) {
      objects.put({ bucket: 'ours', key }, Buffer.from('x'), { lastModified: 5000 });
    }
    const first = call('GET', '/ours?list-type=2&prefix=a%2F', { by });
    expect(first).toMatchObject({ operation: 'ListObjectsV2' });
    const { body } = first.run();
    expect(body).toContain('<LastModified>1970-01-01T00:00:05.000Z</LastModified>');
    expect(keysIn({ body })).toEqual(Array.from({ length: 10 }, (_, n) => `a/${10 + n}`));
    const [, token = ''] = /<NextContinuationToken>(.*)<\/NextContinuationToken>/.exec(body) ?? [];
    const rest = call('GET', `/ours?list-type=2&prefix=a%2F&continuation-token=${token}`, { by }).run();
    expect(keysIn(rest)).toEqual(['a/20', 'a/é']);
    expect(rest.body).toContain('<IsTruncated>false</IsTruncated>');
  });

  it('lists nothing of itself when it is empty', () => {
    const { call } = setUp();
    expect(keysIn(call('GET', '/ours?list-type=2', { by: caller('s3:*') }).run())).toEqual([]);
  });

  it('deletes objects, also those that are not there, and none that the caller may not', () => {
    const { call, objects, forbid } = setUp();
    for (const key of ['a&b', 'kept']) objects.put({ bucket: 'ours', key }, Buffer.from('x'));
    forbid('arn:aws:s3:::ours/kept');
    const body =
      '<?xml version="1.0"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a&amp;b</Key></Object><Object><Key>gone</Key></Object><Object><Key>kept</Key></Object></Delete>';
    const headers = { 'content-md5': md5Of(body) };
    const answer = call('POST', '/ours?delete', { by: caller('s3:*'), body, headers }).run();
    expect(answer.body).toContain('<Deleted><Key>a&amp;b</Key></Deleted><Deleted><Key>gone</Key></Deleted>');
    expect(answer.body).toContain('<Error><Key>kept</Key><Code>AccessDenied</Code>');
    expect(objects.list('ours').map(([key]) => key)).toEqual(['kept']);
  });

  it.each([
    ['a deletion without a checksum', '<Delete><Object><Key>a</Key></Object></Delete>', {}, 'InvalidRequest'],
    [
      'a deletion of versions',
      '<Delete><Object><Key>a</Key><VersionId>1</VersionId></Object></Delete>',
      true,
      'MalformedXML',
    ],
    ['a deletion of nothing', '<Delete></Delete>', true, 'MalformedXML'],
    ['another document', '<Other/>', true, 'MalformedXML'],
    ['a wrong checksum', '<Delete><Object><Key>a</Key></Object></Delete>', { 'content-md5': md5Of('y') }, 'BadDigest'],
    ['a wrong CRC32', '<Delete/>', { 'x-amz-checksum-crc32': 'AAAAAA==' }, 'BadDigest'],
  ])('refuses %s', (_name, body, given, code) => {
    const { call } = setUp();
    const headers = given === true ? { 'content-md5': md5Of(body) } : given;
    expect(() => call('POST', '/ours?delete', { by: caller('s3:*'), body, headers }).run()).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it.each(['/ours?list-type=2&delimiter=x', '/ours?versions', '/ours?list-type=1'])(
    'does not have GET %s',
    (target) => {
      const { call } = setUp();
      expect(() => call('GET', target, { by: caller('s3:*') }).run()).toThrow(
        expect.objectContaining({ code: 'NotImplemented' }),
      );
    },
  );
});

describe('an object', () => {
  it('keeps its metadata, type and time, which HEAD answers without its bytes', () => {
    const { call, advance } = setUp();
    const by = caller('s3:*');
    advance(86_400_000);
    const headers = {
      'content-type': 'application/zip',
      'x-amz-meta-filesha256': 'abc=',
      // The CRC32 of "123456789" that its catalogues give, cbf43926.
      'x-amz-checksum-crc32': 'y/Q5Jg==',
    };
    call('PUT', '/ours/a%3Ab.zip?x-id=PutObject', { by, body: '123456789', headers }).run();
    expect(call('HEAD', '/ours/a:b.zip', { by }).run()).toMatchObject({
      body: '',
      headers: {
        'content-type': 'application/zip',
        'content-length': '9',
        'x-amz-meta-filesha256': 'abc=',
        'last-modified': 'Fri, 02 Jan 1970 00:00:00 GMT',
      },
    });
    expect(call('GET', '/ours/a:b.zip', { by }).run()).toMatchObject({ bytes: Buffer.from('123456789') });
  });

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
    [
      'a write of too much',
      'PUT',
      '/ours/a',
      { by: caller('s3:*'), body: 'x'.repeat(5 * 1024 * 1024 + 1) },
      'EntityTooLarge',
    ],
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
