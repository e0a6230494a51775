import * as v from 'valibot';
import { machineEnvironment, requestEnvironment } from '../../lib/requests/environment.ts';

export const environmentSchema = v.object({
  ...requestEnvironment,
  ...machineEnvironment,
  /** Where refused events go. */
  DEAD_LETTER_QUEUE_URL: v.string(),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
