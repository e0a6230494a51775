import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { clientConfig, regional } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { stackSchema, waitPlanSchema } from '../shared/plan.ts';
import { registryEnvironmentSchema } from '../shared/registry-environment.ts';
import { step } from '../shared/step.ts';
import { awaitStack } from './await-stack.ts';

const cloudFormation = regional((config) => new CloudFormationClient(config));
const stepFunctions = new SFNClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'await-stack',
  environment: registryEnvironmentSchema,
  input: v.object({ plan: waitPlanSchema, stack: stackSchema, taskToken: v.string() }),
  run: (input, { environment }) =>
    awaitStack(input, {
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      cloudFormation: cloudFormation(input.plan.stack.region),
      stepFunctions,
      now: new Date(),
    }),
});
