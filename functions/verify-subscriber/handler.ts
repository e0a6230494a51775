import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, regional } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { planSchema, roleSchema } from '../../lib/plans/onboarding.ts';
import { environmentSchema } from './environment.ts';
import { verifySubscriber } from './verify-subscriber.ts';

const secrets = new SecretsManagerClient(clientConfig);
const cognito = regional((config) => new CognitoIdentityProviderClient(config));

export const handler = step({
  name: 'verify-subscriber',
  environment: environmentSchema,
  input: v.object({
    plan: v.pick(planSchema, ['subscriber', 'executionArn', 'credentialsSecretId']),
    role: roleSchema,
  }),
  run: (input, { environment, logger }) => verifySubscriber(input, { environment, secrets, cognito, logger }),
});
