import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, regional } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { offboardingPlanSchema } from '../shared/plan.ts';
import { step } from '../shared/step.ts';
import { completeOffboarding } from './complete-offboarding.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = regional((config) => new CloudFormationClient(config));
const secrets = new SecretsManagerClient(clientConfig);
const events = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'complete-offboarding',
  environment: environmentSchema,
  input: v.object({ plan: offboardingPlanSchema }),
  run: ({ plan }, { environment }) =>
    completeOffboarding(plan, {
      environment,
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      cloudFormation: cloudFormation(plan.stack.region),
      secrets,
      events,
      now: () => new Date(),
    }),
});
