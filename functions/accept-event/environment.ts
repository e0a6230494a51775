import * as v from 'valibot';
import { requestEnvironment } from '../../lib/requests/environment.ts';

export const environmentSchema = v.object({
  ...requestEnvironment,
  STATE_MACHINE_ARN: v.string(),
  /** Where refused events go. */
  DEAD_LETTER_QUEUE_URL: v.string(),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
