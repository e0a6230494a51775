import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, patientConfig, regional } from '../../lib/aws/clients.ts';
import { createSessions } from '../../lib/infinstor/session.ts';
import { step } from '../../lib/lambda/step.ts';
import { planSchema } from '../../lib/plans/onboarding.ts';
import { tokenSchema } from '../../lib/plans/token.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { createSubscriber } from './create-subscriber.ts';
import { environmentSchema } from './environment.ts';

const secrets = new SecretsManagerClient(clientConfig);
const patientSecrets = new SecretsManagerClient(patientConfig);
const documents = documentClient();
const cognito = regional((config) => new CognitoIdentityProviderClient(config));
const idTokenOf = createSessions();

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
  run: async (input, { environment, invocation: { remainingMs } }) => {
    const registry = { documents, tableName: environment.REGISTRY_TABLE };
    await requireOwn(registry, input.plan);
    return createSubscriber(input, {
      ...{ environment, registry, secrets, patientSecrets, cognito, idTokenOf, remainingMs },
      now: new Date(),
    });
  },
});
