import * as v from 'valibot';
import { promptConfig } from '../../lib/aws/clients.ts';
import { errorResponse, jsonResponse, respond } from '../../lib/lambda/http.ts';
import { step } from '../../lib/lambda/step.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { isIndexMissing } from '../../lib/registry/status-index.ts';
import { environmentSchema } from './environment.ts';
import { listSubscribers } from './list-subscribers.ts';
import { parseListQuery } from './query.ts';

const documents = documentClient(promptConfig);

export const handler = step({
  name: 'list-subscribers',
  environment: environmentSchema,
  input: v.object({ queryStringParameters: v.optional(v.record(v.string(), v.string()), {}) }),
  run: ({ queryStringParameters }, { environment, logger }) =>
    respond(logger, async () => {
      const query = parseListQuery(queryStringParameters);
      try {
        const list = await listSubscribers(query, {
          registry: { documents, tableName: environment.REGISTRY_TABLE },
          now: new Date(),
          onSpoiled: (pk) => logger.warn('record cannot be read', { pk }),
        });
        return jsonResponse(200, list);
      } catch (error) {
        if (!isIndexMissing(error)) throw error;
        return errorResponse(503, {
          name: 'IndexNotReady',
          message: 'DynamoDB is still making the index of the registry, which this version of the deployment has added',
          remedy: 'Send the request again in some minutes.',
        });
      }
    }),
});
