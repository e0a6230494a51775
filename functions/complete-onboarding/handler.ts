import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import * as v from 'valibot';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { planSchema, roleSchema, verificationSchema } from '../../lib/plans/onboarding.ts';
import { stackSchema } from '../../lib/plans/stack.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { completeOnboarding } from './complete-onboarding.ts';
import { environmentSchema } from './environment.ts';

const events = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'complete-onboarding',
  environment: environmentSchema,
  input: v.object({
    plan: planSchema,
    // As create-subscriber knows InfinStor has it; one that ran before it told redrives without.
    subscriber: v.object({ emailId: v.optional(v.string()) }),
    stack: stackSchema,
    role: roleSchema,
    // An execution that began before there was this step is redriven without it.
    verification: v.optional(verificationSchema, { verified: null }),
  }),
  run: (input, { environment }) =>
    completeOnboarding(input, {
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      events,
      now: new Date(),
    }),
});
