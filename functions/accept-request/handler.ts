import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { clientConfig, regional } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { step } from '../shared/step.ts';
import { acceptRequest } from './accept-request.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = regional((config) => new CloudFormationClient(config));
const kms = regional((config) => new KMSClient(config));
const secrets = new SecretsManagerClient(clientConfig);
const stepFunctions = new SFNClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'accept-request',
  environment: environmentSchema,
  input: v.object({ request: v.unknown(), executionArn: v.string() }),
  run: (input, { environment, logger }) =>
    acceptRequest(input, {
      environment,
      cloudFormation,
      kms,
      secrets,
      stepFunctions,
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      logger,
      now: new Date(),
    }),
});
