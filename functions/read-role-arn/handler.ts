import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { IAMClient } from '@aws-sdk/client-iam';
import * as v from 'valibot';
import { clientConfig, regional } from '../shared/clients.ts';
import { planSchema, stackSchema } from '../shared/plan.ts';
import { step } from '../shared/step.ts';
import { environmentSchema } from './environment.ts';
import { readRoleArn } from './read-role-arn.ts';

const cloudFormation = regional((config) => new CloudFormationClient(config));
const iam = new IAMClient(clientConfig);

export const handler = step({
  name: 'read-role-arn',
  environment: environmentSchema,
  input: v.object({ plan: planSchema, stack: stackSchema }),
  run: ({ plan, stack }, { environment }) =>
    readRoleArn(stack.stackId, { environment, cloudFormation: cloudFormation(plan.stack.region), iam }),
});
