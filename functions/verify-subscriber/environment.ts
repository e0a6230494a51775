import * as v from 'valibot';
import { infinstorApiEnvironment } from '../../lib/infinstor/environment.ts';

export const environmentSchema = v.object({
  ...infinstorApiEnvironment,
  /** What comes of a subscriber that cannot be verified: a warning or an error; off: nothing is looked at. */
  VERIFY: v.picklist(['off', 'warn', 'require']),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
