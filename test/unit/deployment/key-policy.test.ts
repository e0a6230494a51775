// The policy that the owner of the deployment's key is asked to give it lets AWS's services do what they do for this deployment alone.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { letsService } from '../../../sandbox/core/policies/key-use.ts';

const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-2222-3333-4444-555555555555';
const text = readFileSync(join(import.meta.dirname, '../../../deployment/key-policy.json'), 'utf8');
const policy = v.parse(
  v.pipe(
    v.string(),
    v.parseJson(),
    v.object({ Version: v.string(), Statement: v.array(v.looseObject({ Sid: v.string() })) }),
  ),
  text
    .replaceAll('PARTITION', 'aws')
    .replaceAll('ACCOUNT', '111111111111')
    .replaceAll('REGION', 'us-east-1')
    .replaceAll('STAGE', 'dev'),
);
const encrypt = ['kms:GenerateDataKey', 'kms:Decrypt'];
const ofLogs = [...encrypt, 'kms:Encrypt', 'kms:DescribeKey', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'];
const logs = 'arn:aws:logs:us-east-1:111111111111';

/** What a service does with the key, by the statement that lets it; then the same for what is not this deployment's. */
const uses = [
  [
    'Log groups',
    'logs.us-east-1.amazonaws.com',
    ofLogs,
    'kms:EncryptionContext:aws:logs:arn',
    `${logs}:log-group:/aws/lambda/infinstor-onboarding-dev-add-user`,
    `${logs}:log-group:/aws/lambda/infinstor-onboarding-prod-add-user`,
  ],
  [
    'Log groups',
    'logs.us-east-1.amazonaws.com',
    ofLogs,
    'kms:EncryptionContext:aws:logs:arn',
    `${logs}:log-group:/aws/vendedlogs/states/infinstor-onboarding-dev-add-user`,
    `${logs}:log-group:other`,
  ],
  [
    'Log groups',
    'logs.us-east-1.amazonaws.com',
    ofLogs,
    'kms:EncryptionContext:aws:logs:arn',
    `${logs}:log-group:/aws/http-api/infinstor-onboarding-dev`,
    `${logs}:log-group:/aws/http-api/other`,
  ],
  [
    'Delivery of the logs of executions',
    'delivery.logs.amazonaws.com',
    ['kms:Decrypt'],
    'kms:EncryptionContext:SourceArn',
    `${logs}:*`,
    'arn:aws:logs:us-east-1:222222222222:*',
  ],
  [
    'Alarms',
    'cloudwatch.amazonaws.com',
    encrypt,
    'aws:SourceArn',
    'arn:aws:cloudwatch:us-east-1:111111111111:alarm:infinstor-onboarding-dev-wake-somebody',
    'arn:aws:cloudwatch:us-east-1:111111111111:alarm:other',
  ],
  [
    'Events that could not be delivered',
    'events.amazonaws.com',
    encrypt,
    'kms:EncryptionContext:aws:sqs:arn',
    'arn:aws:sqs:us-east-1:111111111111:infinstor-onboarding-dev-refused-events',
    'arn:aws:sqs:us-east-1:111111111111:other',
  ],
] as const;

describe('the policy of the key', () => {
  it.each(uses)(
    'lets, by "%s", %s use it for what is this deployment\'s alone',
    (sid, service, actions, name, own, others) => {
      const lets = (value: string, from = policy) =>
        letsService(from, {
          service,
          actions,
          keyArn,
          context: { [name]: value, 'aws:SourceAccount': '111111111111' },
        });
      expect(lets(own)).toBe(true);
      expect(lets(others)).toBe(false);
      expect(lets(own, { ...policy, Statement: policy.Statement.filter(({ Sid }) => Sid !== sid) })).toBe(false);
    },
  );

  it('has no statement without a use, but that for the account', () => {
    expect(new Set(policy.Statement.slice(1).map(({ Sid }) => Sid))).toEqual(new Set(uses.map(([sid]) => sid)));
  });
});
