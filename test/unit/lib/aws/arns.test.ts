import { describe, expect, it } from 'vitest';
import { arnOwner, parseKeyArn, roleArnIn } from '../../../../lib/aws/arns.ts';
import { executionArn, stackId } from '../../functions/plan.ts';

const id = '11111111-1111-4111-8111-111111111111';

describe("a key's ARN", () => {
  it.each([
    ['of a key', `arn:aws:kms:us-east-1:111111111111:key/${id}`, id],
    ['of a multi-Region key', `arn:aws:kms:us-east-1:111111111111:key/mrk-${'1'.repeat(32)}`, `mrk-${'1'.repeat(32)}`],
    ['of another partition', `arn:aws-us-gov:kms:us-east-1:111111111111:key/${id}`, id],
  ])('has its parts: %s', (_name, arn, keyId) => {
    expect(parseKeyArn(arn)).toEqual({ region: 'us-east-1', accountId: '111111111111', keyId });
  });

  it.each([
    '',
    id,
    'arn:aws:kms:us-east-1:111111111111:alias/acme',
    `arn:aws:kms:us-east-1:111111111111:key/${id}/x`,
    `arn:aws:kms:us-east-1:111111111111:key/${id}\n`,
    `arn:aws:kms:us-east-1:11111111111:key/${id}`,
    `arn:aws:kms::111111111111:key/${id}`,
    `arn:aws:s3:us-east-1:111111111111:key/${id}`,
    `x-arn:aws:kms:us-east-1:111111111111:key/${id}`,
  ])('is not %j', (arn) => {
    expect(parseKeyArn(arn)).toBeUndefined();
  });
});

it.each([
  ['an execution', executionArn, 'us-east-1'],
  ['a stack', stackId, 'eu-west-1'],
])("returns account and Region of %s's ARN", (_name, arn, region) => {
  expect(arnOwner(arn)).toEqual({ region, accountId: '111111111111' });
});

it.each(['aws', 'aws-cn', 'aws-us-gov'])('has a role in its own partition: %s', (partition) => {
  expect(roleArnIn(executionArn.replace(/^arn:aws/, `arn:${partition}`), '222222222222', '/acme')).toBe(
    `arn:${partition}:iam::222222222222:role/acme`,
  );
});
