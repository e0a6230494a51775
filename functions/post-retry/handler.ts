import { SFNClient } from '@aws-sdk/client-sfn';
import { briskConfig } from '../../lib/aws/clients.ts';
import { callSchema, readCaller } from '../../lib/lambda/http.ts';
import { respond } from '../../lib/lambda/problem.ts';
import { acceptedResponse } from '../../lib/lambda/sent.ts';
import { step } from '../../lib/lambda/step.ts';
import { faultsOf, refuse } from '../../lib/refusals.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { userNameOfPath } from '../../lib/requests/of-path.ts';
import { inputSecretPrefix } from '../../lib/secrets/names.ts';
import { environmentSchema } from './environment.ts';
import { retryLatest } from './post-retry.ts';

const stepFunctions = new SFNClient(briskConfig);
const documents = documentClient(briskConfig);

export const handler = step({
  name: 'post-retry',
  environment: environmentSchema,
  input: callSchema,
  run: (event, context) =>
    respond(context, async () => {
      const { environment } = context;
      const { faults, ...caller } = readCaller(event, context);
      refuse([...faultsOf(() => userNameOfPath(event.pathParameters)), ...faults]);
      const sent = await retryLatest(
        { ...caller, userName: userNameOfPath(event.pathParameters), route: 'POST /subscribers/{userName}/retry' },
        {
          stepFunctions,
          registry: { documents, tableName: environment.REGISTRY_TABLE },
          stateMachineArn: environment.STATE_MACHINE_ARN,
          inputSecretPrefix: inputSecretPrefix(environment.SECRET_PREFIX),
          now: new Date(),
        },
      );
      return acceptedResponse(sent, context);
    }),
});
