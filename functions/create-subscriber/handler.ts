import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, patientConfig, regional } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { planSchema } from '../../lib/plans/onboarding.ts';
import { tokenSchema } from '../../lib/plans/token.ts';
import { createSubscriber } from './create-subscriber.ts';
import { environmentSchema } from './environment.ts';

const secrets = new SecretsManagerClient(clientConfig);
const patientSecrets = new SecretsManagerClient(patientConfig);
const cognito = regional((config) => new CognitoIdentityProviderClient(config));

export const handler = step({
  name: 'create-subscriber',
  environment: environmentSchema,
  input: v.object({
    plan: v.pick(planSchema, [
      'subscriber',
      'executionArn',
      'passwordSecretId',
      'customTokenSecretId',
      'returning',
      'credentialsSecretId',
    ]),
    token: tokenSchema,
  }),
  run: (input, { environment, invocation: { remainingMs } }) =>
    createSubscriber(input, { environment, secrets, patientSecrets, cognito, now: new Date(), remainingMs }),
});
