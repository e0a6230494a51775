import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { clientConfig } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { inHomes } from '../shared/home-clients.ts';
import { stackSchema, waitPlanSchema } from '../shared/plan.ts';
import { stackWaitEnvironmentSchema } from '../shared/stack-wait-environment.ts';
import { step } from '../shared/step.ts';
import { awaitStack } from './await-stack.ts';

const cloudFormation = inHomes((config) => new CloudFormationClient(config));
const stepFunctions = new SFNClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'await-stack',
  environment: stackWaitEnvironmentSchema,
  input: v.object({ plan: waitPlanSchema, stack: stackSchema, taskToken: v.string() }),
  run: (input, context) =>
    awaitStack(input, {
      registry: { documents, tableName: context.environment.REGISTRY_TABLE },
      cloudFormation: cloudFormation(input.plan.stack, context),
      stepFunctions,
      now: new Date(),
    }),
});
