import { createHash } from 'node:crypto';
import type { Plan, Role } from '../../../lib/plans/onboarding.ts';
import type { Stack } from '../../../lib/plans/stack.ts';
import type { RequestRules } from '../../../lib/requests/onboarding.ts';

/** What the vendor's template is. */
export const templateText = 'Resources: {}\n';

export const executionArn = 'arn:aws:states:us-east-1:111111111111:execution:onboard-subscriber:acme-1';
export const otherExecutionArn = 'arn:aws:states:us-east-1:111111111111:execution:onboard-subscriber:acme-0';
export const stackId =
  'arn:aws:cloudformation:eu-west-1:111111111111:stack/infinstor-subscriber-acme/11111111-1111-4111-8111-111111111111';

/** What the deployment lets a request choose from. */
export const requestRules: RequestRules = {
  inputSecretPrefix: 'infinstor/test/input/',
  superadminUserName: 'root',
  allowedStackParameters: ['VpcId'],
  allowedTagKeys: ['team'],
  own: { accountId: '111111111111', region: 'us-east-1' },
  stackRegions: new Map([
    ['111111111111', ['us-east-1', 'eu-west-1']],
    ['222222222222', ['eu-west-1']],
  ]),
};

/** Who the execution of a plan claims. */
export const claimOf = ({ subscriber, executionArn: claimant }: Plan) => ({ ...subscriber, executionArn: claimant });

/** The plan of a subscriber whose stack lies in another Region than the functions. */
export const plan: Plan = {
  subscriber: { userName: 'Acme', emailId: 'mlops@acme.example' },
  executionArn,
  credentialsSecretId: 'infinstor/test/subscribers/acme/credentials',
  stack: {
    name: 'infinstor-subscriber-acme',
    accountId: '111111111111',
    region: 'eu-west-1',
    templateUrl: 'https://templates.example/2.3.72/infinstor-setup-customer.yaml',
    template: {
      sha256: createHash('sha256').update(templateText).digest('hex'),
      copyUrl: 'https://copies.s3.us-east-1.amazonaws.com/templates/checked.yaml',
    },
    serviceRoleArn: 'arn:aws:iam::111111111111:role/stack-service',
    capabilities: ['CAPABILITY_NAMED_IAM'],
    parameters: { SubscriberName: 'Acme' },
    tokenParameter: 'CustomToken',
    tags: {
      team: 'ml',
      'infinstor-onboarding:deployment': '111111111111/us-east-1/infinstor-onboarding-test',
      'infinstor-onboarding:subscriber': 'acme',
      'infinstor-onboarding:plan-hash': 'hash-1',
    },
    planHash: 'hash-1',
    pollSeconds: 30,
  },
  keyArns: [],
};

export const stack: Stack = { stackId, goal: 'created', deadline: '2026-01-01T13:00:00.000Z' };

export const role: Role = {
  roleName: 'RoleForInfinStorMlflowService-Acme',
  roleArn: 'arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-Acme',
  roleId: 'AROAACMEACMEACMEACMEA',
};
