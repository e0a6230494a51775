import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { clientConfig, regional } from '../../lib/aws/clients.ts';
import { jsonResponse } from '../../lib/lambda/http.ts';
import { step } from '../../lib/lambda/step.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { checkService } from './check-service.ts';
import { environmentSchema } from './environment.ts';

const secrets = new SecretsManagerClient(clientConfig);
const documents = documentClient();
const cognito = regional((config) => new CognitoIdentityProviderClient(config));

export const handler = step({
  name: 'check-service',
  environment: environmentSchema,
  input: v.object({}),
  run: async (_input, { environment }) => {
    const registry = { documents, tableName: environment.REGISTRY_TABLE };
    return jsonResponse(200, await checkService({ environment, registry, secrets, cognito, now: new Date() }));
  },
});
