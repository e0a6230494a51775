import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, patientConfig, regional } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { tokenSchema } from '../../lib/plans/token.ts';
import { updatePlanSchema } from '../../lib/plans/update.ts';
import { environmentSchema } from './environment.ts';
import { updateSubscriber } from './update-subscriber.ts';

const secrets = new SecretsManagerClient(clientConfig);
const patientSecrets = new SecretsManagerClient(patientConfig);
const cognito = regional((config) => new CognitoIdentityProviderClient(config));

export const handler = step({
  name: 'update-subscriber',
  environment: environmentSchema,
  input: v.object({ plan: updatePlanSchema, token: tokenSchema }),
  run: (input, { environment, invocation: { remainingMs } }) =>
    updateSubscriber(input, { environment, secrets, patientSecrets, cognito, remainingMs }),
});
