import { diffKeyPolicies } from '../../../../../lib/key-policy-diff.ts';
import type { Preview } from '../../../../../lib/preflight/preview.ts';

export const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111';
export const hash = 'ab'.repeat(32);

/** A policy that lets roles of these names in. */
export const policyFor = (...names: string[]) => ({
  Version: '2012-10-17',
  Statement: [
    { Sid: 'Owner', Effect: 'Allow', Principal: { AWS: '111111111111' }, Action: 'kms:*', Resource: '*' },
    {
      Sid: 'Roles',
      Effect: 'Allow',
      Principal: { AWS: names.map((name) => `arn:aws:iam::111111111111:role/R-${name}`) },
      Action: 'kms:Decrypt',
      Resource: '*',
    },
  ],
});

const [before, after] = [policyFor('one'), policyFor('one', 'acme')];

/** The plan of an onboarding. */
export const onboarding = {
  planSchemaVersion: 1,
  operation: 'onboard-subscriber',
  userName: 'acme',
  hash,
  converges: false,
  changes: [
    {
      step: 'CreateSubscriber',
      kind: 'subscriber',
      action: 'create',
      what: 'acme',
      detail: 'InfinStor documents no call that takes this back',
    },
    { step: 'CreateSubscriber', kind: 'secret', action: 'create', what: 'infinstor/prod/subscribers/acme/credentials' },
    {
      step: 'DeployStack',
      kind: 'stack',
      action: 'create',
      what: 'x-acme',
      detail: 'In account 111111111111, us-east-1',
    },
    { step: 'PatchKeyPolicy', kind: 'key-policy', action: 'update', what: keyArn },
  ],
  stack: {
    name: 'x-acme',
    accountId: '111111111111',
    region: 'us-east-1',
    templateUrl: 'https://s3.amazonaws.com/infinstorcft/2.3.72/infinstor-setup-customer.yaml',
    templateSha256: 'cd'.repeat(32),
    parameters: { SubscriberName: 'acme', CustomToken: '****' },
    tags: { team: 'data' },
  },
  keyPolicies: [{ keyArn, changed: true, before, after, diff: diffKeyPolicies(before, after), freeBytesAfter: 16_384 }],
  cost: { currency: 'USD', once: 0.0014, monthly: 0.4, assumptions: ['Prices of us-east-1'] },
  warnings: ['Template parameter CustomToken has no NoEcho: describe calls show the custom token'],
} satisfies Preview;
