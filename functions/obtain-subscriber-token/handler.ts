import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, regional } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { progressSchema, subscriberTokenSchema, usersPlanSchema } from '../../lib/plans/users.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { environmentSchema } from './environment.ts';
import { obtainSubscriberToken } from './obtain-subscriber-token.ts';

const secrets = new SecretsManagerClient(clientConfig);
const documents = documentClient();
const cognito = regional((config) => new CognitoIdentityProviderClient(config));

export const handler = step({
  name: 'obtain-subscriber-token',
  environment: environmentSchema,
  // The machine comes back here with the token that was refused.
  input: v.object({
    plan: usersPlanSchema,
    token: v.optional(subscriberTokenSchema),
    progress: v.optional(progressSchema),
  }),
  run: async (input, { environment }) => {
    const registry = { documents, tableName: environment.REGISTRY_TABLE };
    await requireOwn(registry, input.plan);
    return obtainSubscriberToken(input, { environment, registry, secrets, cognito, now: new Date() });
  },
});
