import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import * as v from 'valibot';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { offboardingPlanSchema } from '../../lib/plans/offboarding.ts';
import { deleteStack } from './delete-stack.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient(config));

export const handler = step({
  name: 'delete-stack',
  environment: environmentSchema,
  input: v.object({ plan: offboardingPlanSchema }),
  run: ({ plan }, context) =>
    deleteStack(plan, {
      environment: context.environment,
      cloudFormation: cloudFormation(plan.stack, context),
      now: new Date(),
    }),
});
