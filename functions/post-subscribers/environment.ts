import * as v from 'valibot';
import { requestEnvironment } from '../../lib/requests/environment.ts';
import { machineEnvironment } from '../../lib/requests/machine-environment.ts';

export const environmentSchema = v.object({
  ...requestEnvironment,
  ...machineEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
