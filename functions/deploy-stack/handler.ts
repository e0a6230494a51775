import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, regional } from '../shared/clients.ts';
import { planSchema, stackSchema } from '../shared/plan.ts';
import { step } from '../shared/step.ts';
import { deployStack } from './deploy-stack.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = regional((config) => new CloudFormationClient(config));
const secrets = new SecretsManagerClient(clientConfig);

export const handler = step({
  name: 'deploy-stack',
  environment: environmentSchema,
  // The machine comes back here with the stack that WaitForStack saw go.
  input: v.object({ plan: planSchema, stack: v.optional(stackSchema) }),
  run: (input, { environment }) =>
    deployStack(input, {
      environment,
      cloudFormation: cloudFormation(input.plan.stack.region),
      secrets,
      now: new Date(),
    }),
});
