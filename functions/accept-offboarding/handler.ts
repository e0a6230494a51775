import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { KMSClient } from '@aws-sdk/client-kms';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { clientConfig, regional } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { step } from '../shared/step.ts';
import { acceptOffboarding } from './accept-offboarding.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = regional((config) => new CloudFormationClient(config));
const kms = regional((config) => new KMSClient(config));
const stepFunctions = new SFNClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'accept-offboarding',
  environment: environmentSchema,
  input: v.object({ request: v.unknown(), executionArn: v.string() }),
  run: (input, { environment }) =>
    acceptOffboarding(input, {
      environment,
      cloudFormation,
      kms,
      stepFunctions,
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      now: new Date(),
    }),
});
