import * as v from 'valibot';
import { regionSchema } from '../../lib/aws/regions.ts';

/** The parameters of the query. */
export const querySchema = v.object({
  accountId: v.optional(v.pipe(v.string(), v.regex(/^\d{12}$/, 'must be an account id of 12 digits'))),
  region: v.optional(regionSchema),
});
