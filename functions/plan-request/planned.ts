import * as v from 'valibot';
import { operationSchema } from '../../lib/subscribers/operations.ts';

/** The body: the request of a machine, which is checked as that one does. */
export const plannedSchema = v.strictObject({
  operation: v.optional(operationSchema, 'onboard-subscriber'),
  request: v.unknown(),
});
