import * as v from 'valibot';
import { briskConfig } from '../../lib/aws/clients.ts';
import { jsonResponse } from '../../lib/lambda/http.ts';
import { respond } from '../../lib/lambda/problem.ts';
import { step } from '../../lib/lambda/step.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { environmentSchema } from './environment.ts';
import { getHealth } from './get-health.ts';

const documents = documentClient(briskConfig);

export const handler = step({
  name: 'get-health',
  environment: environmentSchema,
  input: v.unknown(),
  run: (_, context) =>
    respond(context, async () => {
      const { REGISTRY_TABLE: tableName, VERSION: version } = context.environment;
      return jsonResponse(200, await getHealth({ documents, tableName }, version));
    }),
});
