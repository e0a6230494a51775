import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import * as v from 'valibot';
import { clientConfig } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { registryEnvironmentSchema } from '../shared/registry-environment.ts';
import { step } from '../shared/step.ts';
import { progressSchema, usersPlanSchema } from '../shared/users-plan.ts';
import { completeUsers } from './complete-users.ts';

const events = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'complete-users',
  environment: registryEnvironmentSchema,
  input: v.object({ plan: usersPlanSchema, progress: progressSchema }),
  run: (input, { environment }) =>
    completeUsers(input, {
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      events,
      now: new Date(),
    }),
});
