import * as v from 'valibot';
import { machineEnvironment, requestEnvironment } from '../../lib/requests/environment.ts';
import { apiPasswordEnvironment } from '../../lib/secrets/environment.ts';

export const environmentSchema = v.object({
  ...requestEnvironment,
  ...machineEnvironment,
  ...apiPasswordEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
