import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { clientConfig } from '../shared/clients.ts';
import { documentClient } from '../shared/document-client.ts';
import { step } from '../shared/step.ts';
import { environmentSchema } from './environment.ts';
import { sweepExecutions } from './sweep-executions.ts';
import { sweepPasswords } from './sweep-passwords.ts';

const stepFunctions = new SFNClient(clientConfig);
const events = new EventBridgeClient(clientConfig);
const secrets = new SecretsManagerClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'sweep-executions',
  environment: environmentSchema,
  // A schedule's event says nothing but that it is time.
  input: v.unknown(),
  run: async (_event, { environment, logger }) => {
    const now = new Date();
    const registry = { documents, tableName: environment.REGISTRY_TABLE };
    await sweepExecutions({ stepFunctions, registry, events, now }, logger);
    await sweepPasswords({
      secrets,
      stepFunctions,
      stateMachineArn: environment.STATE_MACHINE_ARN,
      prefix: environment.API_PASSWORD_PREFIX,
      now,
    });
  },
});
