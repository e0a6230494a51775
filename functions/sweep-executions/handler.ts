import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as v from 'valibot';
import { clientConfig } from '../../lib/aws/clients.ts';
import { step } from '../../lib/lambda/step.ts';
import { metricsIn } from '../../lib/metrics.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { environmentSchema } from './environment.ts';
import { sweepExecutions } from './sweep-executions.ts';

const stepFunctions = new SFNClient(clientConfig);
const client = new EventBridgeClient(clientConfig);
const documents = documentClient();

export const handler = step({
  name: 'sweep-executions',
  environment: environmentSchema,
  // A schedule's event says nothing but that it is time.
  input: v.unknown(),
  run: (_event, { environment, logger, invocation }) =>
    sweepExecutions({
      stepFunctions,
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      events: { client, name: environment.EVENT_BUS },
      emit: metricsIn(environment.METRIC_NAMESPACE),
      now: new Date(),
      clock: Date.now,
      remainingMs: invocation.remainingMs,
      logger,
    }),
});
