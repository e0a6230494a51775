import * as v from 'valibot';
import { userNameSchema } from '../../lib/requests/fields.ts';
import { operationSchema } from '../../lib/subscribers/operations.ts';

/** The parameters of path and query. */
export const querySchema = v.object({
  userName: userNameSchema,
  execution: v.optional(v.pipe(v.string(), v.regex(/^[\w-]{1,80}$/, 'must be the name of an execution'))),
  // Names are unique within a machine.
  operation: v.optional(
    v.picklist(operationSchema.options, `must be one of ${operationSchema.options.join(', ')}`),
    'onboard-subscriber',
  ),
});
