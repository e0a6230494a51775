import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, regional } from '../shared/clients.ts';
import { planSchema } from '../shared/plan.ts';
import { step } from '../shared/step.ts';
import { deployStack } from './deploy-stack.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = regional((config) => new CloudFormationClient(config));
const secrets = new SecretsManagerClient(clientConfig);

export const handler = step({
  name: 'deploy-stack',
  environment: environmentSchema,
  input: v.object({ plan: planSchema }),
  run: ({ plan }, { environment }) =>
    deployStack(plan, { environment, cloudFormation: cloudFormation(plan.stack.region), secrets, now: new Date() }),
});
