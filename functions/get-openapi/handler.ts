import * as v from 'valibot';
import { jsonResponse } from '../../lib/lambda/http.ts';
import { respond } from '../../lib/lambda/problem.ts';
import { step } from '../../lib/lambda/step.ts';
import document from '../../schemas/openapi.json' with { type: 'json' };
import { environmentSchema } from './environment.ts';
import { atAddress } from './get-openapi.ts';

export const handler = step({
  name: 'get-openapi',
  environment: environmentSchema,
  // Nobody who invokes the function itself has an address for the API.
  input: v.object({
    rawPath: v.optional(v.string(), ''),
    requestContext: v.optional(v.object({ domainName: v.optional(v.string()) }), {}),
  }),
  run: ({ rawPath, requestContext }, context) =>
    respond(context, async () => jsonResponse(200, atAddress(document, requestContext.domainName, rawPath))),
});
