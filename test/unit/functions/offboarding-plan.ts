import type { OffboardingPlan } from '../../../lib/plans/offboarding.ts';
import { stackId } from './plan.ts';

export const offboardingArn = 'arn:aws:states:us-east-1:111111111111:execution:offboard-subscriber:acme-2';

/** The plan of the offboarding of a subscriber whose stack lies in another Region than the functions. */
export const offboardingPlan: OffboardingPlan = {
  subscriber: { userName: 'Acme' },
  executionArn: offboardingArn,
  keepData: true,
  stack: {
    name: 'infinstor-subscriber-acme',
    stackId,
    accountId: '111111111111',
    region: 'eu-west-1',
    tags: {
      'infinstor-onboarding:deployment': '111111111111/us-east-1/infinstor-onboarding-test',
      'infinstor-onboarding:subscriber': 'acme',
    },
    pollSeconds: 30,
  },
  roleArns: ['arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-Acme'],
  keyArns: ['arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-4111-8111-111111111111'],
};

/** The tags of a stack that is the subscriber's. */
export const ownTags = Object.entries(offboardingPlan.stack.tags).map(([Key, Value]) => ({ Key, Value }));
