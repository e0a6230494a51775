import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, regional } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { plannedSchema } from '../../lib/plans/planned.ts';
import { tokenSchema } from '../../lib/plans/token.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { environmentSchema } from './environment.ts';
import { obtainToken } from './obtain-token.ts';

const secrets = new SecretsManagerClient(clientConfig);
const documents = documentClient();
const cognito = regional((config) => new CognitoIdentityProviderClient(config));

export const handler = step({
  name: 'obtain-token',
  environment: environmentSchema,
  // The machine comes back here with the token that was refused.
  input: v.object({ plan: plannedSchema, token: v.optional(tokenSchema) }),
  run: async ({ plan, token }, { environment }) => {
    const registry = { documents, tableName: environment.REGISTRY_TABLE };
    await requireOwn(registry, plan);
    return obtainToken(token, { environment, registry, secrets, cognito, now: new Date() });
  },
});
