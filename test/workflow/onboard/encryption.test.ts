import { describe, expect, it } from 'vitest';
import { fixtures } from '../../../sandbox/core/account.ts';
import { casesInScope } from '../../scope.ts';
import { onboard, useSandbox } from '../sandbox.ts';
import { stackOf } from '../subscriber.ts';

const sandbox = useSandbox();

const artifacts = [
  {
    request: { type: 'sse-s3' },
    parameters: { S3EncryptionOption: 'sse-s3', S3KmsKeyArn: '' },
    bucket: { algorithm: 'AES256', bucketKey: false },
  },
  {
    request: { type: 'sse-kms-aws-managed' },
    parameters: { S3EncryptionOption: 'sse-kms-aws-managed-key', S3KmsKeyArn: '' },
    bucket: { algorithm: 'aws:kms', bucketKey: true },
  },
  {
    request: { type: 'sse-kms-customer-managed', keyArn: fixtures.artifactsKeyArn },
    parameters: { S3EncryptionOption: 'sse-kms-customer-managed-key', S3KmsKeyArn: fixtures.artifactsKeyArn },
    bucket: { algorithm: 'aws:kms', keyArn: fixtures.artifactsKeyArn, bucketKey: true },
  },
];

const tracking = [
  {
    request: { type: 'aws-owned' },
    parameters: { DynamoDbEncryptionOption: 'aws-owned-key', DynamoDbKmsKeyArn: '' },
    table: { type: 'aws-owned' },
  },
  {
    request: { type: 'aws-managed' },
    parameters: { DynamoDbEncryptionOption: 'aws-managed-key', DynamoDbKmsKeyArn: '' },
    table: { type: 'aws-managed' },
  },
  {
    request: { type: 'customer-managed', keyArn: fixtures.trackingKeyArn },
    parameters: { DynamoDbEncryptionOption: 'customer-managed-key', DynamoDbKmsKeyArn: fixtures.trackingKeyArn },
    table: { type: 'customer-managed', keyArn: fixtures.trackingKeyArn },
  },
];

const combinations = artifacts.flatMap((bucketChoice, row) =>
  tracking.map((tableChoice, column) => ({
    name: `combo-${row}-${column}`,
    bucketChoice,
    tableChoice,
    isUsual: column === (row + 1) % tracking.length,
  })),
);
/** The usual run has each choice of the one and of the other. */
const usual = combinations.filter(({ isUsual }) => isUsual);

describe('every combination of the encryption options', () => {
  it.each(casesInScope(combinations, usual))(
    '$bucketChoice.request.type with $tableChoice.request.type',
    async ({ name, bucketChoice, tableChoice }) => {
      const { cloudFormation } = sandbox();
      const report = await onboard(sandbox(), {
        subscriber: { userName: name, emailId: 'mlops@example.com' },
        encryption: { artifacts: bucketChoice.request, tracking: tableChoice.request },
      });
      expect(report).toMatchObject({ status: 'SUCCEEDED', transitions: 9 });

      const stack = stackOf(sandbox(), name);
      expect(stack?.scope.parameters).toEqual({
        SubscriberName: name,
        CustomToken: expect.stringMatching(/^[0-9a-f-]{36}:/),
        CorsMaxAgeSeconds: '3600',
        UseBoundaryPolicy: 'true',
        BoundaryPolicyARN: sandbox().physicalId('SubscriberBoundary'),
        ...bucketChoice.parameters,
        ...tableChoice.parameters,
      });
      const ofStack = ({ stackId }: { stackId: string }) => stackId === stack?.stackId;
      expect(cloudFormation.buckets().filter(ofStack)).toMatchObject([{ encryption: bucketChoice.bucket }]);
      expect(cloudFormation.tables().filter(ofStack)).toMatchObject([{ encryption: tableChoice.table }]);
      const keys = [
        ...('keyArn' in bucketChoice.bucket ? [fixtures.artifactsKeyArn] : []),
        ...('keyArn' in tableChoice.table ? [fixtures.trackingKeyArn] : []),
      ];
      expect(report.output?.keyArns).toEqual(keys);
    },
  );
});
