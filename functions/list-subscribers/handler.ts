import * as v from 'valibot';
import { ApiProblem } from '../../lib/api-problem.ts';
import { promptConfig } from '../../lib/aws/clients.ts';
import { jsonResponse } from '../../lib/lambda/http.ts';
import { respond } from '../../lib/lambda/problem.ts';
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
  run: ({ queryStringParameters }, context) =>
    respond(context, async () => {
      const { environment, logger } = context;
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
        throw new ApiProblem(
          'IndexNotReady',
          'DynamoDB is still making the index of the registry, which this version of the deployment has added',
          'Send the request again in some minutes.',
        );
      }
    }),
});
