import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { ApiProblem } from '../../lib/api-problem.ts';
import { promptConfig } from '../../lib/aws/clients.ts';
import { jsonResponse } from '../../lib/lambda/http.ts';
import { respond } from '../../lib/lambda/problem.ts';
import { step } from '../../lib/lambda/step.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { parseParameters } from '../../lib/requests/fields.ts';
import { machineArnOf, runningStatuses } from '../../lib/subscribers/operations.ts';
import { environmentSchema } from './environment.ts';
import { getSubscriber } from './get-subscriber.ts';
import { querySchema } from './query.ts';

const stepFunctions = new SFNClient(promptConfig);
const documents = documentClient(promptConfig);

/** A subscriber in whose onboarding minutes pass need not be looked at more often. */
const retryAfter = { 'retry-after': '10' };

export const handler = step({
  name: 'get-subscriber',
  environment: environmentSchema,
  input: v.object({
    pathParameters: v.object({ userName: v.string() }),
    queryStringParameters: v.optional(v.record(v.string(), v.string()), {}),
  }),
  run: ({ pathParameters, queryStringParameters: query }, context) =>
    respond(context, async () => {
      const { environment, logger } = context;
      const { userName, execution, operation } = parseParameters(querySchema, {
        execution: query.execution,
        ...(query.operation !== undefined && { operation: query.operation }),
        ...pathParameters,
      });
      const status = await getSubscriber(
        { userName, executionName: execution },
        {
          stateMachineArn: machineArnOf(environment.STATE_MACHINE_ARN, operation),
          stepFunctions,
          registry: { documents, tableName: environment.REGISTRY_TABLE },
          superadminUserName: environment.SUPERADMIN_USER_NAME,
          now: new Date(),
        },
      );
      if (status === undefined) throw notFound(userName, execution);
      logger.appendKeys({ executionArn: status.executionArn });
      return jsonResponse(200, status, runningStatuses.includes(status.status) ? retryAfter : {});
    }),
});

function notFound(userName: string, execution: string | undefined): ApiProblem {
  return new ApiProblem(
    'SubscriberNotFound',
    execution === undefined ? `No onboarding of ${userName} is recorded` : `${userName} has no execution ${execution}`,
    'Check the name, or ask again in a few seconds if the request was sent just now. A refused request leaves no record: correct it and send it again, or ask with the location that was returned when it was sent.',
  );
}
