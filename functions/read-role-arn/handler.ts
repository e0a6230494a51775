import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { IAMClient } from '@aws-sdk/client-iam';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { metricsIn } from '../../lib/metrics.ts';
import { planSchema } from '../../lib/plans/onboarding.ts';
import { homePlanSchema, stackSchema } from '../../lib/plans/stack.ts';
import { environmentSchema } from './environment.ts';
import { readRoleArn } from './read-role-arn.ts';
import { stackWaitSeconds } from './stack-wait.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient(config));
const iam = perAccountRegion((config) => new IAMClient(config));

export const handler = step({
  name: 'read-role-arn',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(clientConfig)),
  input: v.object({
    plan: v.object({
      ...homePlanSchema.entries,
      retained: planSchema.entries.retained,
      // Of an upgrade.
      roleArn: v.optional(v.string()),
    }),
    stack: stackSchema,
  }),
  run: async ({ plan, stack }, context) => {
    const { environment } = context;
    // Before anything that may fail, after which it is tried again.
    const endOfWait = Date.now();
    const role = await readRoleArn(stack.stackId, plan, {
      environment,
      cloudFormation: cloudFormation(plan.stack, context),
      iam: iam(plan.stack, context),
    });
    const seconds = stackWaitSeconds(stack, environment.STACK_TIMEOUT_MINUTES, endOfWait);
    if (seconds !== undefined) metricsIn(environment.METRIC_NAMESPACE)('StackWait', seconds, {});
    return role;
  },
});
