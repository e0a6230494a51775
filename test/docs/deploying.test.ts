import * as v from 'valibot';
import { expect, it } from 'vitest';
import type { Caller } from '../../sandbox/core/operation.ts';
import { decide } from '../../sandbox/core/policies/policy.ts';
import { read } from './documents.ts';

const policies = [...read('docs/deploying.md').matchAll(/```json\n(.*?)```/gs)].map(([, text = '']) => text);
const [denying] = policies.map((text) =>
  v.parse(v.pipe(v.string(), v.parseJson(), v.looseObject({ Statement: v.unknown() })), text),
);

const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };
const callerOf = (roleName: string): Caller => ({
  accountId: '111111111111',
  region: 'us-east-1',
  principalArn: `arn:aws:iam::111111111111:role/${roleName}`,
  arn: `arn:aws:sts::111111111111:assumed-role/${roleName}/somebody`,
  principalId: 'AROAAAAAAAAAAAAAAAAAA',
  policies: [everything, ...(denying === undefined ? [] : [denying])],
});

const subscribers = 'arn:aws:cloudformation:us-east-1:111111111111:stack/infinstor-subscriber-acme/1';
const nested = 'arn:aws:cloudformation:us-east-1:111111111111:stack/infinstor-subscriber-acme-Access-0A1B/1';
const serviceRole = 'arn:aws:iam::111111111111:role/infinstor-onboarding-dev-StackServiceRole-0A1B2C3D4E5F';

it.each([
  ['an administrator', 'Admin', 'cloudformation:UpdateStack', subscribers, false],
  ['an administrator', 'Admin', 'cloudformation:ExecuteChangeSet', subscribers, false],
  ['an administrator', 'Admin', 'iam:PassRole', serviceRole, false],
  ['an administrator', 'Admin', 'cloudformation:DescribeStacks', subscribers, true],
  ['an administrator', 'Admin', 'cloudformation:UpdateStack', subscribers.replace('infinstor', 'other'), true],
  ['deploy-stack', 'infinstor-onboarding-dev-DeployStackRole-0A1B', 'cloudformation:CreateStack', subscribers, true],
  ['deploy-stack', 'infinstor-onboarding-dev-DeployStackRole-0A1B', 'iam:PassRole', serviceRole, true],
  [
    "CloudFormation's role",
    'infinstor-onboarding-dev-StackServiceRole-0A1B',
    'cloudformation:CreateStack',
    nested,
    true,
  ],
  ["another account's role", 'infinstor-onboarding-access', 'cloudformation:DeleteStack', subscribers, true],
])("the document's policy leaves %s what it should: %s may %s", (_who, roleName, action, resource, allowed) => {
  expect(denying).toBeDefined();
  expect(decide(callerOf(roleName), { action, resource }).allowed).toBe(allowed);
});
