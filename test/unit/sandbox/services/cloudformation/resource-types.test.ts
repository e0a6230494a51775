import { describe, expect, it } from 'vitest';
import { fixtures } from '../../../../../sandbox/core/account.ts';
import { createInput, setUp, templateUrl, trackingWithKey } from './cloudformation-fixture.ts';

const { artifactsKeyArn, trackingKeyArn } = fixtures;

const artifacts = [
  [{ S3EncryptionOption: 'sse-s3' }, { algorithm: 'AES256', bucketKey: false }],
  [{ S3EncryptionOption: 'sse-kms-aws-managed-key' }, { algorithm: 'aws:kms', bucketKey: true }],
  [
    { S3EncryptionOption: 'sse-kms-customer-managed-key', S3KmsKeyArn: artifactsKeyArn },
    { algorithm: 'aws:kms', bucketKey: true, keyArn: artifactsKeyArn },
  ],
] as const;
const tracking = [
  [{ DynamoDbEncryptionOption: 'aws-owned-key' }, { type: 'aws-owned' }],
  [{ DynamoDbEncryptionOption: 'aws-managed-key' }, { type: 'aws-managed' }],
  [trackingWithKey, { type: 'customer-managed', keyArn: trackingKeyArn }],
] as const;
const combinations = artifacts.flatMap(([forBucket, bucket]) =>
  tracking.map(([forTable, table]) => ({ parameters: { ...forBucket, ...forTable }, bucket, table })),
);

describe('the customer template', () => {
  it.each(combinations)('makes bucket and table as asked: $parameters', async ({ parameters, bucket, table }) => {
    const { call, settled, cloudFormation } = setUp();
    await call('CreateStack', createInput(parameters));
    expect((await settled('tenant-acme')).status).toBe('CREATE_COMPLETE');
    const cors = [{ allowedMethods: ['GET'], allowedOrigins: ['*'], maxAge: 3600 }];
    expect(cloudFormation.buckets()).toEqual([expect.objectContaining({ encryption: bucket, cors })]);
    expect(cloudFormation.tables()).toEqual([expect.objectContaining({ encryption: table })]);
  });

  it('has DynamoDB use the key, and make a grant for itself, in the name of who makes the table', async () => {
    const { call, settled, accesses } = setUp();
    await call('CreateStack', createInput(trackingWithKey));
    await settled('tenant-acme');
    const ofHandler = ['kms:ListAliases', 'kms:RevokeGrant'];
    const allAsked = accesses.flatMap(({ access }) => (access.action.startsWith('kms:') ? [access] : []));
    const asked = allAsked.filter(({ action }) => !ofHandler.includes(action));
    expect(allAsked.map(({ action }) => action)).toEqual(expect.arrayContaining(ofHandler));
    const via = { 'kms:ViaService': 'dynamodb.us-east-1.amazonaws.com' };
    const operations = ['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo', 'GenerateDataKey', 'DescribeKey'];
    expect(asked.map(({ action }) => action)).toEqual([...operations.map((name) => `kms:${name}`), 'kms:CreateGrant']);
    for (const { action, context } of asked) {
      const isGrant = action === 'kms:CreateGrant';
      expect(context).toMatchObject(via);
      expect(context?.['kms:GrantIsForAWSResource']).toBe(isGrant ? 'true' : undefined);
      expect(context?.['kms:GrantOperations']).toEqual(isGrant ? [...operations, 'RetireGrant'] : undefined);
    }
  });

  it('makes the role and hands token, role, bucket and table to the service', async () => {
    const { call, settled, cloudFormation, calls, iam } = setUp();
    await call('CreateStack', createInput());
    await settled('tenant-acme');
    const role = iam.role('RoleForInfinStorMlflowService-Acme');
    expect([...(role?.policies.keys() ?? [])]).toEqual(['artifacts', 'tracking']);
    const [bucket] = cloudFormation.buckets();
    const [table] = cloudFormation.tables();
    expect(calls).toEqual([
      {
        type: 'Custom::InfinStorSubscriber',
        properties: {
          ServiceToken: expect.stringContaining('arn:aws:lambda:us-east-1'),
          CustomToken: 'Custom secret',
          RoleArn: role?.arn,
          BucketName: bucket?.name,
          TableName: table?.name,
        },
      },
    ]);
    const bucketArn = `arn:aws:s3:::${bucket?.name}`;
    expect(role?.policies.get('artifacts')?.Statement).toEqual([
      { Effect: 'Allow', Action: 's3:ListBucket', Resource: bucketArn },
      { Effect: 'Allow', Action: ['s3:PutObject', 's3:GetObject', 's3:DeleteObject'], Resource: `${bucketArn}/*` },
    ]);
  });
});

describe('resource types', () => {
  const status = async (body: string) => {
    const { call, settled, cloudFormation } = setUp({ templates: { body } });
    await call('CreateStack', createInput({}, { TemplateURL: templateUrl('body'), Parameters: [] }));
    const { events } = await settled('tenant-acme');
    const failure = events.find(({ ResourceStatus }) => ResourceStatus === 'CREATE_FAILED');
    return { reason: failure?.ResourceStatusReason, buckets: cloudFormation.buckets() };
  };
  const bucket = (properties: string) => `{ Type: AWS::S3::Bucket, Properties: ${properties} }`;

  it.each([
    [
      'a bucket name that is taken',
      `A: ${bucket('{ BucketName: same }')}\n  B: ${bucket('{ BucketName: same }')}`,
      'same already exists',
    ],
    [
      'a bucket name in upper case',
      `A: ${bucket('{ BucketName: Upper }')}`,
      'Bucket name should not contain uppercase characters',
    ],
    [
      'an unknown property',
      `A: ${bucket('{ Website: x }')}`,
      'Properties validation failed for resource A with message: [#/Website',
    ],
    ['a custom resource without a service', 'A: { Type: Custom::Thing }', '#/ServiceToken'],
    [
      'a policy for a bucket that is missing',
      'A: { Type: AWS::S3::BucketPolicy, Properties: { Bucket: none, PolicyDocument: { Statement: [] } } }',
      'The specified bucket does not exist',
    ],
  ])('refuses %s', async (_name, resources, message) => {
    expect((await status(`Resources:\n  ${resources}`)).reason).toContain(message);
  });

  it('stores a bucket policy', async () => {
    const { reason, buckets } = await status(`
Resources:
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties: { Bucket: !Ref Bucket, PolicyDocument: { Statement: [] } }
  Bucket: ${bucket('{ BucketName: mine }')}
`);
    expect(reason).toBeUndefined();
    expect(buckets).toEqual([expect.objectContaining({ name: 'mine', policy: { Statement: [] } })]);
  });
});
