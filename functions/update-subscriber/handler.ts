import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, patientConfig, regional } from '../../lib/aws/clients.ts';
import { createSessions } from '../../lib/infinstor/session.ts';
import { step } from '../../lib/lambda/step.ts';
import { tokenSchema } from '../../lib/plans/token.ts';
import { updatePlanSchema } from '../../lib/plans/update.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { environmentSchema } from './environment.ts';
import { updateSubscriber } from './update-subscriber.ts';

const secrets = new SecretsManagerClient(clientConfig);
const patientSecrets = new SecretsManagerClient(patientConfig);
const documents = documentClient();
const cognito = regional((config) => new CognitoIdentityProviderClient(config));
const idTokenOf = createSessions();

export const handler = step({
  name: 'update-subscriber',
  environment: environmentSchema,
  input: v.object({ plan: updatePlanSchema, token: tokenSchema }),
  run: async (input, { environment, invocation: { remainingMs } }) => {
    const registry = { documents, tableName: environment.REGISTRY_TABLE };
    const owned = () => requireOwn(registry, input.plan);
    await owned();
    return updateSubscriber(input, {
      ...{ environment, registry, secrets, patientSecrets, cognito, idTokenOf, remainingMs },
      now: new Date(),
      requireOwn: owned,
    });
  },
});
