import { SFNClient } from '@aws-sdk/client-sfn';
import { briskConfig } from '../../lib/aws/clients.ts';
import { callSchema, readCaller } from '../../lib/lambda/http.ts';
import { respond } from '../../lib/lambda/problem.ts';
import { acceptedResponse } from '../../lib/lambda/sent.ts';
import { step } from '../../lib/lambda/step.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { sendRequest } from '../../lib/subscribers/send-request.ts';
import { offboardingAsked } from './delete-subscriber.ts';
import { environmentSchema } from './environment.ts';

const stepFunctions = new SFNClient(briskConfig);
const documents = documentClient(briskConfig);

export const handler = step({
  name: 'delete-subscriber',
  environment: environmentSchema,
  input: callSchema,
  run: (event, context) =>
    respond(context, async () => {
      const { environment } = context;
      const { faults, ...caller } = readCaller(event, context);
      const asked = offboardingAsked(event.pathParameters, event.queryStringParameters, faults);
      const sent = await sendRequest(
        { ...asked, ...caller, route: 'DELETE /subscribers/{userName}' },
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
