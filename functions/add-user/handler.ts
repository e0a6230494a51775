import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, regional } from '../../lib/aws/clients.ts';
import { createSessions } from '../../lib/infinstor/session.ts';
import { step } from '../../lib/lambda/step.ts';
import { progressSchema, subscriberTokenSchema, usersPlanSchema } from '../../lib/plans/users.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { addUser } from './add-user.ts';
import { environmentSchema } from './environment.ts';

const secrets = new SecretsManagerClient(clientConfig);
const documents = documentClient();
const cognito = regional((config) => new CognitoIdentityProviderClient(config));
const idTokenOf = createSessions();

export const handler = step({
  name: 'add-user',
  environment: environmentSchema,
  input: v.object({
    plan: v.pick(usersPlanSchema, ['subscriber', 'executionArn', 'users']),
    token: subscriberTokenSchema,
    progress: v.optional(progressSchema),
  }),
  run: async (input, { environment, invocation: { remainingMs } }) => {
    const registry = { documents, tableName: environment.REGISTRY_TABLE };
    const owned = () => requireOwn(registry, input.plan);
    await owned();
    return addUser(input, {
      ...{ environment, registry, secrets, cognito, idTokenOf, remainingMs },
      now: new Date(),
      requireOwn: owned,
    });
  },
});
