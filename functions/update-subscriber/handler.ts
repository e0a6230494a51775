import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, regional } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { tokenSchema } from '../../lib/plans/token.ts';
import { updatePlanSchema } from '../../lib/plans/update.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { environmentSchema } from './environment.ts';
import { updateSubscriber } from './update-subscriber.ts';

const secrets = new SecretsManagerClient(clientConfig);
const patientSecrets = new SecretsManagerClient({ ...clientConfig, maxAttempts: 10 });
const cognito = regional((config) => new CognitoIdentityProviderClient(config));
const documents = documentClient();

export const handler = step({
  name: 'update-subscriber',
  environment: environmentSchema,
  input: v.object({ plan: updatePlanSchema, token: tokenSchema }),
  run: async (input, { environment }) => {
    const owned = () => requireOwn({ documents, tableName: environment.REGISTRY_TABLE }, input.plan);
    await owned();
    return updateSubscriber(input, { environment, secrets, patientSecrets, cognito, requireOwn: owned });
  },
});
