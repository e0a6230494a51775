import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import * as v from 'valibot';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { roleSchema } from '../../lib/plans/onboarding.ts';
import { changedStackSchema } from '../../lib/plans/stack.ts';
import { upgradePlanSchema } from '../../lib/plans/upgrade.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { completeUpgrade } from './complete-upgrade.ts';
import { environmentSchema } from './environment.ts';

const client = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'complete-upgrade',
  environment: environmentSchema,
  input: v.object({
    plan: v.object({
      ...v.pick(upgradePlanSchema, ['subscriber', 'executionArn', 'keyArns']).entries,
      stack: v.pick(upgradePlanSchema.entries.stack, ['build', 'template']),
    }),
    stack: v.pick(changedStackSchema, ['stackId', 'changeSetId', 'hasGranted', 'replaced']),
    role: roleSchema,
    keys: v.array(v.object({ changed: v.boolean() })),
  }),
  run: (input, { environment }) =>
    completeUpgrade(input, {
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      events: { client, name: environment.EVENT_BUS },
      now: new Date(),
    }),
});
