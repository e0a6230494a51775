import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import * as v from 'valibot';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { planSchema, roleSchema, verificationSchema } from '../../lib/plans/onboarding.ts';
import { stackSchema } from '../../lib/plans/stack.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { completeOnboarding } from './complete-onboarding.ts';
import { environmentSchema } from './environment.ts';

const client = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'complete-onboarding',
  environment: environmentSchema,
  input: v.object({
    plan: v.object({
      ...v.pick(planSchema, ['subscriber', 'executionArn', 'keyArns', 'onboarded', 'retained']).entries,
      stack: v.optional(v.partial(v.pick(planSchema.entries.stack, ['build', 'template']))),
    }),
    // As create-subscriber knows InfinStor has it; an execution that began before it returned this is redriven without.
    subscriber: v.object({
      emailId: v.optional(v.string()),
      customTokenExpiresAt: v.optional(v.string()),
      changed: v.optional(v.boolean(), true),
    }),
    stack: stackSchema,
    role: roleSchema,
    keys: v.optional(v.array(v.object({ changed: v.boolean() })), []),
    // An execution that began before there was this step is redriven without it.
    verification: v.optional(verificationSchema, { verified: null }),
  }),
  run: (input, { environment }) =>
    completeOnboarding(input, {
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      events: { client, name: environment.EVENT_BUS },
      now: new Date(),
    }),
});
