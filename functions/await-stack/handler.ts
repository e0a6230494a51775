import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { stackSchema, waitPlanSchema } from '../../lib/plans/stack.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { awaitStack } from './await-stack.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient(config));
const stepFunctions = new SFNClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'await-stack',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(clientConfig)),
  input: v.object({ plan: waitPlanSchema, stack: stackSchema, taskToken: v.string() }),
  run: (input, context) =>
    awaitStack(input, {
      registry: { documents, tableName: context.environment.REGISTRY_TABLE },
      cloudFormation: cloudFormation(input.plan.stack, context),
      stepFunctions,
      now: new Date(),
    }),
});
