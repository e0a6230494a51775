import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import * as v from 'valibot';
import { clientConfig } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { registryEnvironmentSchema } from '../shared/registry-environment.ts';
import { step } from '../shared/step.ts';
import { updatePlanSchema } from '../shared/update-plan.ts';
import { completeUpdate } from './complete-update.ts';

const events = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'complete-update',
  environment: registryEnvironmentSchema,
  input: v.object({ plan: updatePlanSchema }),
  run: (input, { environment }) =>
    completeUpdate(input, {
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      events,
      now: new Date(),
    }),
});
