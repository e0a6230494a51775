import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { promptConfig } from '../../lib/aws/clients.ts';
import { errorResponse, jsonResponse, respond } from '../../lib/lambda/http.ts';
import { step } from '../../lib/lambda/step.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { parseParameters, userNameSchema } from '../../lib/requests/fields.ts';
import { environmentSchema } from './environment.ts';
import { getSubscriber } from './get-subscriber.ts';

const stepFunctions = new SFNClient(promptConfig);
const documents = documentClient(promptConfig);

const querySchema = v.object({
  userName: userNameSchema,
  execution: v.optional(v.pipe(v.string(), v.regex(/^[\w-]{1,80}$/, 'must be the name of an execution'))),
});

export const handler = step({
  name: 'get-subscriber',
  environment: environmentSchema,
  input: v.object({
    pathParameters: v.object({ userName: v.string() }),
    queryStringParameters: v.optional(v.record(v.string(), v.string()), {}),
  }),
  run: ({ pathParameters, queryStringParameters }, { environment, logger }) =>
    respond(logger, async () => {
      const { userName, execution } = parseParameters(querySchema, {
        execution: queryStringParameters.execution,
        ...pathParameters,
      });
      const status = await getSubscriber(
        { userName, executionName: execution },
        {
          stateMachineArn: environment.STATE_MACHINE_ARN,
          stepFunctions,
          registry: { documents, tableName: environment.REGISTRY_TABLE },
          superadminUserName: environment.SUPERADMIN_USER_NAME,
          now: new Date(),
        },
      );
      if (status !== undefined) {
        logger.appendKeys({ executionArn: status.executionArn });
        return jsonResponse(200, status);
      }
      return errorResponse(404, {
        name: 'SubscriberNotFound',
        message:
          execution === undefined
            ? `No onboarding of ${userName} is recorded`
            : `${userName} has no execution ${execution}`,
        remedy:
          'Check the name, or ask again in a few seconds if the request was sent just now. A refused request leaves no record: correct it and send it again, or ask with the location that POST /subscribers returned.',
      });
    }),
});
