import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { vi } from 'vitest';
import { now, secret } from './lambda.ts';

/** The param `accounts` of a deployment that works in one account beside its own. */
export const accounts = {
  '222222222222': {
    roleArn: 'arn:aws:iam::222222222222:role/onboarding',
    externalId: secret('external-id'),
    stackServiceRoleArn: 'arn:aws:iam::222222222222:role/stacks',
    permissionsBoundaryArn: 'arn:aws:iam::222222222222:policy/boundary',
    regions: ['us-east-1', 'eu-west-1'],
  },
};

/** STS, which lets the role be assumed for an hour from `now` on. */
export function fakeSts() {
  // A function that is loaded may hold the credentials of another test's STS, and would not ask this one.
  vi.resetModules();
  const sts = mockClient(STSClient);
  sts.on(AssumeRoleCommand).callsFake(async () => ({
    Credentials: {
      AccessKeyId: 'ASIATHERE',
      SecretAccessKey: secret('key'),
      SessionToken: secret('session'),
      Expiration: new Date(now.getTime() + 3_600_000),
    },
  }));
  return { sts, assumed: () => sts.commandCalls(AssumeRoleCommand).map(({ args: [{ input }] }) => input) };
}
