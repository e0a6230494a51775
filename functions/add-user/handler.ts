import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, regional } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { progressSchema, subscriberTokenSchema, usersPlanSchema } from '../../lib/plans/users.ts';
import { addUser } from './add-user.ts';
import { environmentSchema } from './environment.ts';

const secrets = new SecretsManagerClient(clientConfig);
const cognito = regional((config) => new CognitoIdentityProviderClient(config));

export const handler = step({
  name: 'add-user',
  environment: environmentSchema,
  input: v.object({
    plan: v.pick(usersPlanSchema, ['subscriber', 'executionArn', 'users']),
    token: subscriberTokenSchema,
    progress: v.optional(progressSchema),
  }),
  run: (input, { environment, invocation: { remainingMs } }) =>
    addUser(input, { environment, secrets, cognito, remainingMs }),
});
