import * as v from 'valibot';
import { infinstorEnvironment } from '../../lib/infinstor/environment.ts';

export const environmentSchema = v.object({
  ...infinstorEnvironment,
  /** Where an answer holds a custom token, with dots between the keys; the known fallbacks are tried after it. */
  CUSTOM_TOKEN_PATH: v.string(),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
