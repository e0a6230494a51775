import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import * as v from 'valibot';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { progressSchema, usersPlanSchema } from '../../lib/plans/users.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { completeUsers } from './complete-users.ts';
import { environmentSchema } from './environment.ts';

const client = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'complete-users',
  environment: environmentSchema,
  input: v.object({ plan: v.pick(usersPlanSchema, ['subscriber', 'executionArn']), progress: progressSchema }),
  run: (input, { environment }) =>
    completeUsers(input, {
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      events: { client, name: environment.EVENT_BUS },
      now: new Date(),
    }),
});
