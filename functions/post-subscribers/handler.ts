import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { briskConfig } from '../../lib/aws/clients.ts';
import { callSchema, parseBody, readCaller } from '../../lib/lambda/http.ts';
import { logKeysOf } from '../../lib/lambda/log-keys.ts';
import { respond } from '../../lib/lambda/problem.ts';
import { acceptedResponse } from '../../lib/lambda/sent.ts';
import { step } from '../../lib/lambda/step.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { sendRequest } from '../../lib/subscribers/send-request.ts';
import { environmentSchema } from './environment.ts';
import { onboardingAsked } from './post-subscribers.ts';

const stepFunctions = new SFNClient(briskConfig);
const secrets = new SecretsManagerClient(briskConfig);
const documents = documentClient(briskConfig);

export const handler = step({
  name: 'post-subscribers',
  environment: environmentSchema,
  complete: accountsReader(secrets),
  input: callSchema,
  run: (event, context) =>
    respond(context, async () => {
      const { environment, logger } = context;
      const { faults, ...caller } = readCaller(event, context);
      const body = parseBody(event);
      logger.appendKeys({ ...logKeysOf({ request: body }) });
      const asked = onboardingAsked(body, faults, { environment, secrets });
      const sent = await sendRequest(
        { ...asked, ...caller, route: 'POST /subscribers' },
        {
          stepFunctions,
          registry: { documents, tableName: environment.REGISTRY_TABLE },
          stateMachineArn: environment.STATE_MACHINE_ARN,
          now: new Date(),
        },
      );
      return acceptedResponse(sent, context);
    }),
});
