import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { inputSecretPrefix } from '../../lib/secrets/names.ts';
import { environmentSchema } from './environment.ts';
import { sweepPasswords } from './sweep-passwords.ts';

const stepFunctions = new SFNClient(clientConfig);
const secrets = new SecretsManagerClient(clientConfig);

export const handler = step({
  name: 'sweep-passwords',
  environment: environmentSchema,
  // A schedule's event says nothing but that it is time.
  input: v.unknown(),
  run: (_event, { environment }) =>
    sweepPasswords({
      secrets,
      stepFunctions,
      stateMachineArn: environment.STATE_MACHINE_ARN,
      inputPrefix: inputSecretPrefix(environment.SECRET_PREFIX),
      now: new Date(),
    }),
});
