import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import { operatorAt } from '../../../../sandbox/operator.ts';
import { answered, call, fact, type RecordedTest, type Recordings, refused } from '../fact.ts';

const missingKey = refused('NoSuchKey', 'The specified key does not exist.', 404);

/** A bucket of the test's own, which stacks alone make here. */
const bucket = (BucketName: string): Required<Pick<RecordedTest, 'prepare'>> => ({
  async prepare({ endpoint, clock }) {
    const Resources = { Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName } } };
    const client = new CloudFormationClient(operatorAt(endpoint));
    await client.send(new CreateStackCommand({ StackName: BucketName, TemplateBody: JSON.stringify({ Resources }) }));
    await clock.quiet();
    return {};
  },
});

const aPageOfBuckets = answered({
  Buckets: [{ BucketArn: '<arn>', BucketRegion: 'us-east-1', CreationDate: '(date)', Name: '<name>' }],
  ContinuationToken: '<token>',
  Owner: { ID: '<id>' },
});

export const s3: Recordings = {
  service: 's3',
  file: 's3/test_s3.snapshot.json',
  tests: [
    {
      test: 'TestS3::test_get_object_no_such_bucket',
      date: '2026-02-21',
      steps: [
        fact(
          'expected_error',
          'GetObject',
          { Bucket: 'does-not-exist', Key: 'foobar' },
          refused('NoSuchBucket', 'The specified bucket does not exist', 404),
        ),
      ],
    },
    {
      test: 'TestS3::test_create_bucket_head_bucket',
      date: '2026-02-21',
      ...bucket('head-bucket'),
      steps: [
        fact(
          'head_bucket',
          'HeadBucket',
          { Bucket: 'head-bucket' },
          answered({ BucketArn: 'arn:aws:s3:::head-bucket', BucketRegion: 'us-east-1', AccessPointAlias: false }),
        ),
        fact('head_bucket_not_exist', 'HeadBucket', { Bucket: 'nobodys' }, refused('404', 'Not Found', 404)),
      ],
    },
    {
      test: 'TestS3::test_head_object_fields',
      date: '2026-02-21',
      ...bucket('head-object'),
      steps: [
        call('PutObject', { Bucket: 'head-object', Key: 'my-key', Body: 'abcdefgh' }),
        fact(
          'head-object',
          'HeadObject',
          { Bucket: 'head-object', Key: 'my-key' },
          answered({
            AcceptRanges: 'bytes',
            ContentLength: 8,
            ContentType: 'binary/octet-stream',
            ETag: '"e8dc4081b13434b45189a720b77b6818"',
            LastModified: '<date>',
            ServerSideEncryption: 'AES256',
          }),
        ),
        fact(
          'head-object-404',
          'HeadObject',
          { Bucket: 'head-object', Key: 'another' },
          refused('404', 'Not Found', 404),
        ),
      ],
    },
    {
      test: 'TestS3::test_list_objects_v2_with_prefix',
      date: '2023-10-26',
      ...bucket('list-with-prefix'),
      steps: [
        ...['test/foo/bar/123', 'test/foo/bar/456', 'test/bar/foo/123'].map((Key) =>
          call('PutObject', { Bucket: 'list-with-prefix', Key, Body: 'content-123' }),
        ),
        fact(
          'list-objects-v2-no-encoding',
          'ListObjectsV2',
          { Bucket: 'list-with-prefix', Prefix: 'test/foo' },
          answered({
            Name: 'list-with-prefix',
            Prefix: 'test/foo',
            KeyCount: '2',
            MaxKeys: '1000',
            IsTruncated: 'false',
            Contents: ['test/foo/bar/123', 'test/foo/bar/456'].map((Key) => ({
              Key,
              ETag: '<etag>',
              LastModified: '<date>',
              Size: '11',
              StorageClass: 'STANDARD',
            })),
          }),
        ),
      ],
    },
    {
      test: 'TestS3::test_bucket_does_not_exist',
      date: '2026-02-21',
      steps: [
        fact(
          'list_object',
          'ListObjectsV2',
          { Bucket: 'does-not-exist' },
          refused('NoSuchBucket', 'The specified bucket does not exist', 404),
        ),
      ],
    },
    {
      test: 'TestS3::test_delete_non_existing_keys',
      date: '2026-02-21',
      ...bucket('delete-keys'),
      steps: [
        ...['dummy1', 'dummy2'].map((Key) => call('PutObject', { Bucket: 'delete-keys', Key, Body: 'x' })),
        fact(
          'deleted-resp',
          'DeleteObjects',
          {
            Bucket: 'delete-keys',
            Delete: { Objects: [{ Key: 'dummy1' }, { Key: 'dummy2' }, { Key: 'test-key-nonexistent' }] },
          },
          answered({ Deleted: [{ Key: 'dummy1' }, { Key: 'dummy2' }, { Key: 'test-key-nonexistent' }] }),
        ),
      ],
    },
    {
      test: 'TestS3ListBuckets::test_list_buckets_with_max_buckets',
      file: 's3/test_s3_list_operations.snapshot.json',
      date: '2026-02-21',
      ...bucket('max-buckets'),
      steps: [fact('list-objects-with-max-buckets', 'ListBuckets', { MaxBuckets: 1 }, aPageOfBuckets)],
    },
    {
      test: 'TestS3ListBuckets::test_list_buckets_with_continuation_token',
      file: 's3/test_s3_list_operations.snapshot.json',
      date: '2026-02-21',
      ...bucket('continuation-token'),
      steps: [
        call('ListBuckets', { MaxBuckets: 1 }, { keep: { token: 'ContinuationToken' } }),
        fact(
          'list-objects-with-continuation',
          'ListBuckets',
          { MaxBuckets: 1, ContinuationToken: '$token' },
          aPageOfBuckets,
        ),
      ],
    },
    {
      test: 'TestS3ListBuckets::test_list_buckets_by_prefix_with_case_sensitivity',
      file: 's3/test_s3_list_operations.snapshot.json',
      date: '2026-02-21',
      ...bucket('prefixed-bucket'),
      steps: [
        fact(
          'list-objects-by-prefix-empty',
          'ListBuckets',
          { Prefix: 'PREFIXED' },
          answered({ Buckets: [], Owner: { ID: '<id>' }, Prefix: 'PREFIXED' }),
        ),
      ],
    },
    {
      test: 'TestS3ListBuckets::test_list_buckets_region_validation',
      file: 's3/test_s3_list_operations.snapshot.json',
      date: '2026-02-21',
      steps: [
        fact(
          'bad-region',
          'ListBuckets',
          { BucketRegion: 'eu-east-1' },
          refused('InvalidArgument', 'Argument value eu-east-1 is not a valid AWS Region'),
        ),
      ],
    },
    {
      test: 'TestS3::test_range_key_not_exists',
      date: '2026-02-21',
      ...bucket('range-key'),
      steps: [fact('exc', 'GetObject', { Bucket: 'range-key', Key: 'my-key' }, missingKey)],
    },
    {
      test: 'TestS3::test_s3_uppercase_key_names',
      date: '2026-02-21',
      ...bucket('uppercase-key'),
      steps: [
        call('PutObject', { Bucket: 'uppercase-key', Key: 'CamelCaseKey', Body: 'something' }),
        fact(
          'response',
          'GetObject',
          { Bucket: 'uppercase-key', Key: 'CamelCaseKey' },
          answered({ Body: 'something', ETag: '"437b930db84b8079c2dd804a71936b5f"' }),
        ),
        fact('wrong-case-key', 'GetObject', { Bucket: 'uppercase-key', Key: 'camelcasekey' }, missingKey),
      ],
    },
    {
      test: 'TestS3::test_put_and_get_object_with_utf8_key',
      date: '2026-02-21',
      ...bucket('utf8-key'),
      steps: [
        fact(
          'put-object',
          'PutObject',
          { Bucket: 'utf8-key', Key: 'Ā0Ä', Body: 'abc123' },
          answered({ ETag: '"e99a18c428cb38d5f260853678922e03"' }),
        ),
        fact(
          'get-object',
          'GetObject',
          { Bucket: 'utf8-key', Key: 'Ā0Ä' },
          answered({ Body: 'abc123', ETag: '"e99a18c428cb38d5f260853678922e03"' }),
        ),
      ],
    },
    {
      test: 'TestS3::test_upload_file_with_xml_preamble',
      date: '2026-02-21',
      ...bucket('xml-preamble'),
      steps: [
        call('PutObject', {
          Bucket: 'xml-preamble',
          Key: 'preamble',
          Body: '<?xml version="1.0" encoding="UTF-8"?><test/>',
        }),
        fact(
          'get_object',
          'GetObject',
          { Bucket: 'xml-preamble', Key: 'preamble' },
          answered({
            Body: '<?xml version="1.0" encoding="UTF-8"?><test/>',
            ETag: '"8a793423f1e69103a7056b99e4ad6c0b"',
          }),
        ),
      ],
    },
  ],
};
