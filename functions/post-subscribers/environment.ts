import * as v from 'valibot';
import { requestEnvironment } from '../../lib/requests/environment.ts';

export const environmentSchema = v.object({
  ...requestEnvironment,
  STATE_MACHINE_ARN: v.string(),
  /** Where the passwords go that requests hold: `infinstor/<stage>/input/api/`. */
  API_PASSWORD_PREFIX: v.string(),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
