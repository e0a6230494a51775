import * as v from 'valibot';
import { doorEnvironmentSchema } from '../shared/door-environment.ts';

export const environmentSchema = v.object({
  ...doorEnvironmentSchema.entries,
  /** Where the passwords go that requests hold: `infinstor/<stage>/input/api/`. */
  API_PASSWORD_PREFIX: v.string(),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
