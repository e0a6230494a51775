import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { promptConfig } from '../../lib/aws/clients.ts';
import { bodySchema, jsonResponse, parseBody, respond } from '../../lib/lambda/http.ts';
import { logKeysOf } from '../../lib/lambda/log-keys.ts';
import { step } from '../../lib/lambda/step.ts';
import { environmentSchema } from './environment.ts';
import { postSubscribers } from './post-subscribers.ts';

const stepFunctions = new SFNClient(promptConfig);
const secrets = new SecretsManagerClient(promptConfig);

export const handler = step({
  name: 'post-subscribers',
  environment: environmentSchema,
  complete: accountsReader(secrets),
  input: bodySchema,
  run: (event, { environment, logger }) =>
    respond(logger, async () => {
      const body = parseBody(event);
      logger.appendKeys({ ...logKeysOf({ request: body }) });
      const accepted = await postSubscribers(body, {
        environment,
        stepFunctions,
        secrets,
        now: new Date(),
      });
      const { userName, executionName, executionArn } = accepted;
      logger.appendKeys({ executionArn });
      logger.info('onboarding started');
      const location = `/subscribers/${userName}?execution=${executionName}`;
      return jsonResponse(202, { userName, status: 'ONBOARDING', executionArn, location }, { location });
    }),
});
