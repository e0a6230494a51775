import * as v from 'valibot';
import { doorEnvironmentSchema } from '../shared/door-environment.ts';

export const environmentSchema = v.object({
  ...doorEnvironmentSchema.entries,
  /** Where refused events go. */
  DEAD_LETTER_QUEUE_URL: v.string(),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
