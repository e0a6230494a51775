import { setTimeout as wait } from 'node:timers/promises';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { ApiProblem } from '../../lib/api-problem.ts';
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
import { getKey } from './get-key.ts';
import { keySchema } from './query.ts';

const kms = perAccountRegion((config) => new KMSClient(config), briskConfig);
const documents = documentClient(briskConfig);

export const handler = step({
  name: 'get-key',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(briskConfig)),
  input: v.object({
    pathParameters: v.object({ keyId: v.string() }),
    queryStringParameters: v.optional(v.record(v.string(), v.string()), {}),
  }),
  run: ({ pathParameters, queryStringParameters }, context) =>
    respond(context, async () => {
      const { environment, invocation } = context;
      const asked = parseParameters(keySchema, { ...pathParameters, arn: queryStringParameters.arn });
      const key = await getKey(
        { keyId: asked.keyId, arn: asked.arn },
        {
          registry: { documents, tableName: environment.REGISTRY_TABLE },
          kms: (home) => kms(home, context),
          access: keyAccess(environment),
          roleNames: environment,
          homes: homesOf(environment, invocation.functionArn),
          ownArn: invocation.functionArn,
          clock: { now: Date.now, wait },
        },
      );
      if (!('unknown' in key)) return jsonResponse(200, key);
      throw new ApiProblem(
        'KeyNotFound',
        key.unknown,
        'Check the id and the account. A key that no onboarding has used yet is found by its ARN, if its owner has given it the tag infinstor-onboarding.',
      );
    }),
});
