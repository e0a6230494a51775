import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { briskConfig } from '../../lib/aws/clients.ts';
import { homesOf } from '../../lib/aws/homes.ts';
import { keyAccess } from '../../lib/keys/access-environment.ts';
import { jsonResponse } from '../../lib/lambda/http.ts';
import { respond } from '../../lib/lambda/problem.ts';
import { step } from '../../lib/lambda/step.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { parseParameters } from '../../lib/requests/fields.ts';
import { environmentSchema } from './environment.ts';
import { getQuotas } from './get-quotas.ts';
import { querySchema } from './query.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient(config), briskConfig);
const dynamoDb = perAccountRegion((config) => new DynamoDBClient(config), briskConfig);
const kms = perAccountRegion((config) => new KMSClient(config), briskConfig);
const documents = documentClient(briskConfig);

/** What is begun with so much time left has an end before the function has. */
const reserveMs = 9_000;

export const handler = step({
  name: 'get-quotas',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(briskConfig)),
  input: v.object({ queryStringParameters: v.optional(v.record(v.string(), v.string()), {}) }),
  run: ({ queryStringParameters }, context) =>
    respond(context, async () => {
      const { environment, invocation } = context;
      const { accountId, region } = parseParameters(querySchema, queryStringParameters);
      const quotas = await getQuotas(
        { accountId, region },
        {
          registry: { documents, tableName: environment.REGISTRY_TABLE },
          kms: (home) => kms(home, context),
          clients: (home) => ({
            cloudFormation: cloudFormation(home, context),
            dynamoDb: dynamoDb(home, context),
          }),
          access: keyAccess(environment),
          roleNames: environment,
          uses: environment.STACK_USES,
          reserve: environment.QUOTA_RESERVE ?? 0,
          homes: homesOf(environment, invocation.functionArn),
          now: Date.now,
          hasTime: () => invocation.remainingMs() > reserveMs,
        },
      );
      return jsonResponse(200, quotas);
    }),
});
