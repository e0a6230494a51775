import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { offboardingPlanSchema, withdrawnKeySchema } from '../../lib/plans/offboarding.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { completeOffboarding } from './complete-offboarding.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient(config));
const secrets = new SecretsManagerClient(clientConfig);
const client = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'complete-offboarding',
  environment: environmentSchema,
  complete: accountsReader(secrets),
  input: v.object({
    plan: v.object({
      ...v.pick(offboardingPlanSchema, ['subscriber', 'executionArn', 'keyArns']).entries,
      stack: v.pick(offboardingPlanSchema.entries.stack, ['stackId', 'accountId', 'region']),
    }),
    keys: v.array(withdrawnKeySchema),
  }),
  run: ({ plan, keys }, context) =>
    completeOffboarding(
      { plan, keys },
      {
        environment: context.environment,
        registry: { documents, tableName: context.environment.REGISTRY_TABLE },
        cloudFormation: cloudFormation(plan.stack, context),
        secrets,
        events: { client, name: context.environment.EVENT_BUS },
        now: () => new Date(),
      },
    ),
});
