import * as v from 'valibot';
import { superadminNameEnvironment } from '../../lib/requests/environment.ts';

export const environmentSchema = v.object({
  REGISTRY_TABLE: v.string(),
  ...superadminNameEnvironment,
  /** Where the subscribers' secrets lie: `infinstor/<stage>/`. */
  SECRET_PREFIX: v.pipe(v.string(), v.endsWith('/', 'must end with a slash')),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
