import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { clientConfig } from '../../lib/aws/clients.ts';
import { homesOf } from '../../lib/aws/homes.ts';
import { step } from '../../lib/lambda/step.ts';
import { metricsIn } from '../../lib/metrics.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { checkQuotas } from './check-quotas.ts';
import { environmentSchema } from './environment.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient(config));
const dynamoDb = perAccountRegion((config) => new DynamoDBClient(config));
const client = new EventBridgeClient(clientConfig);
const documents = documentClient();

/** What is begun with so much time left has an end before the function has. */
const reserveMs = 180_000;

export const handler = step({
  name: 'check-quotas',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(clientConfig)),
  // A schedule's event says nothing but that it is time.
  input: v.unknown(),
  run: (_event, context) => {
    const { environment, invocation, logger } = context;
    return checkQuotas(homesOf(environment, invocation.functionArn), {
      clients: (home) => ({ cloudFormation: cloudFormation(home, context), dynamoDb: dynamoDb(home, context) }),
      registry: { documents, tableName: environment.REGISTRY_TABLE },
      events: { client, name: environment.EVENT_BUS },
      emit: metricsIn(environment.METRIC_NAMESPACE),
      uses: environment.STACK_USES,
      warningPercent: environment.QUOTA_WARNING_PERCENT,
      hasTime: () => invocation.remainingMs() > reserveMs,
      logger,
      now: new Date(),
    });
  },
});
