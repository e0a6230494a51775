import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { now, secret } from './lambda.ts';

/** The param `accounts` of a deployment that works in one account beside its own. */
export const accounts = {
  '222222222222': {
    roleArn: 'arn:aws:iam::222222222222:role/onboarding',
    externalId: secret('external-id'),
    stackServiceRoleArn: 'arn:aws:iam::222222222222:role/stacks',
    regions: ['us-east-1', 'eu-west-1'],
  },
};

/** STS, which lets the role be assumed for an hour. */
export function fakeSts() {
  const sts = mockClient(STSClient);
  const expiresAt = () => new Date(Math.max(now.getTime(), Date.now()) + 3_600_000);
  sts.on(AssumeRoleCommand).callsFake(async () => ({
    Credentials: {
      AccessKeyId: 'ASIATHERE',
      SecretAccessKey: secret('key'),
      SessionToken: secret('session'),
      Expiration: expiresAt(),
    },
  }));
  return { sts, assumed: () => sts.commandCalls(AssumeRoleCommand).map(({ args: [{ input }] }) => input) };
}
