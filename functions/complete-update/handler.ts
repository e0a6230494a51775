import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import * as v from 'valibot';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { updatePlanSchema } from '../../lib/plans/update.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { completeUpdate } from './complete-update.ts';
import { environmentSchema } from './environment.ts';

const client = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'complete-update',
  environment: environmentSchema,
  input: v.object({
    plan: v.pick(updatePlanSchema, ['subscriber', 'executionArn', 'changed']),
    update: v.optional(v.object({ customTokenExpiresAt: v.optional(v.string()) })),
  }),
  run: (input, { environment }) =>
    completeUpdate(input, {
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      events: { client, name: environment.EVENT_BUS },
      now: new Date(),
    }),
});
