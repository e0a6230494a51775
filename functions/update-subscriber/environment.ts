import * as v from 'valibot';
import { customTokenEnvironment, infinstorEnvironment } from '../../lib/infinstor/environment.ts';

export const environmentSchema = v.object({
  ...infinstorEnvironment,
  ...customTokenEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
