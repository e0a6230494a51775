import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { acceptEvent } from './accept-event.ts';
import { environmentSchema } from './environment.ts';
import { eventSchema } from './event.ts';

const stepFunctions = new SFNClient(clientConfig);
const queue = new SQSClient(clientConfig);

export const handler = step({
  name: 'accept-event',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(clientConfig)),
  input: eventSchema,
  run: (event, { environment, logger }) => acceptEvent(event, { environment, stepFunctions, queue, logger }),
});
