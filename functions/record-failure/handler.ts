import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient } from '@aws-sdk/client-sfn';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { metricsIn } from '../../lib/metrics.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { environmentSchema } from './environment.ts';
import { executionEventSchema, recordFailure } from './record-failure.ts';

const stepFunctions = new SFNClient(clientConfig);
const client = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'record-failure',
  environment: environmentSchema,
  input: executionEventSchema,
  run: (event, { environment, logger }) =>
    recordFailure(
      event,
      {
        stepFunctions,
        registry: { documents, tableName: environment.REGISTRY_TABLE },
        events: { client, name: environment.EVENT_BUS },
        emit: metricsIn(environment.METRIC_NAMESPACE),
        now: new Date(),
      },
      logger,
    ),
});
