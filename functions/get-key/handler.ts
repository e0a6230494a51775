import { setTimeout as wait } from 'node:timers/promises';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { briskConfig } from '../../lib/aws/clients.ts';
import { homesOf } from '../../lib/aws/homes.ts';
import { KeyPolicyBusy } from '../../lib/errors.ts';
import { keyAccess } from '../../lib/keys/access-environment.ts';
import { errorResponse, jsonResponse, respond } from '../../lib/lambda/http.ts';
import { step } from '../../lib/lambda/step.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { parseParameters } from '../../lib/requests/fields.ts';
import { environmentSchema } from './environment.ts';
import { getKey } from './get-key.ts';

const kms = perAccountRegion((config) => new KMSClient(config), briskConfig);
const documents = documentClient(briskConfig);

const keySchema = v.object({
  keyId: v.pipe(
    v.string(),
    v.regex(/^(?:arn:[\w:/-]{1,180}|(?:mrk-)?[0-9a-f-]{32,36})$/, 'must be the id of a key, or its ARN'),
  ),
  arn: v.optional(v.pipe(v.string(), v.maxLength(200, 'must be the ARN of a key'))),
});

export const handler = step({
  name: 'get-key',
  environment: environmentSchema,
  complete: accountsReader(new SecretsManagerClient(briskConfig)),
  input: v.object({
    pathParameters: v.object({ keyId: v.string() }),
    queryStringParameters: v.optional(v.record(v.string(), v.string()), {}),
  }),
  run: ({ pathParameters, queryStringParameters }, context) =>
    respond(context.logger, async () => {
      const { environment, invocation } = context;
      const asked = parseParameters(keySchema, { ...pathParameters, arn: queryStringParameters.arn });
      try {
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
        return errorResponse(404, {
          name: 'KeyNotFound',
          message: key.unknown,
          remedy:
            'Check the id and the account. A key that no onboarding has used yet is found by its ARN, if its owner has given it the tag infinstor-onboarding.',
        });
      } catch (error) {
        if (!(error instanceof KeyPolicyBusy)) throw error;
        const { name, message } = error;
        return errorResponse(503, { name, message, remedy: 'Ask again in a few seconds.' });
      }
    }),
});
