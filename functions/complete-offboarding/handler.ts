import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { inHomes } from '../shared/home-clients.ts';
import { offboardingPlanSchema } from '../shared/offboarding-plan.ts';
import { step } from '../shared/step.ts';
import { completeOffboarding } from './complete-offboarding.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = inHomes((config) => new CloudFormationClient(config));
const secrets = new SecretsManagerClient(clientConfig);
const events = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'complete-offboarding',
  environment: environmentSchema,
  input: v.object({ plan: offboardingPlanSchema }),
  run: ({ plan }, context) =>
    completeOffboarding(plan, {
      environment: context.environment,
      registry: { documents, tableName: context.environment.REGISTRY_TABLE },
      cloudFormation: cloudFormation(plan.stack, context),
      secrets,
      events,
      now: () => new Date(),
    }),
});
