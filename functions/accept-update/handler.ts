import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { STSClient } from '@aws-sdk/client-sts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { acceptInputSchema } from '../../lib/plans/accept.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { acceptUpdate } from './accept-update.ts';
import { environmentSchema } from './environment.ts';

const secrets = new SecretsManagerClient(clientConfig);
const sts = new STSClient(clientConfig);
const stepFunctions = new SFNClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'accept-update',
  environment: environmentSchema,
  input: acceptInputSchema,
  run: (input, { environment }) =>
    acceptUpdate(input, {
      environment,
      secrets,
      sts,
      stepFunctions,
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      now: new Date(),
    }),
});
