import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import * as v from 'valibot';
import { regional } from '../shared/clients.ts';
import { offboardingPlanSchema } from '../shared/plan.ts';
import { step } from '../shared/step.ts';
import { deleteStack } from './delete-stack.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = regional((config) => new CloudFormationClient(config));

export const handler = step({
  name: 'delete-stack',
  environment: environmentSchema,
  input: v.object({ plan: offboardingPlanSchema }),
  run: ({ plan }, { environment }) =>
    deleteStack(plan, { environment, cloudFormation: cloudFormation(plan.stack.region), now: new Date() }),
});
