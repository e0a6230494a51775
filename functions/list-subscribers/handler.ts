import * as v from 'valibot';
import { promptConfig } from '../../lib/aws/clients.ts';
import { jsonResponse } from '../../lib/lambda/http.ts';
import { respond } from '../../lib/lambda/problem.ts';
import { step } from '../../lib/lambda/step.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { whenIndexed } from '../../lib/registry/status-index.ts';
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
      const list = await whenIndexed(() =>
        listSubscribers(query, {
          registry: { documents, tableName: environment.REGISTRY_TABLE },
          now: new Date(),
          onSpoiled: (pk) => logger.warn('record cannot be read', { pk }),
        }),
      );
      return jsonResponse(200, list);
    }),
});
