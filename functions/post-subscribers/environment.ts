import * as v from 'valibot';
import { accountRegionsEnvironment } from '../../lib/aws/accounts-environment.ts';
import { requestEnvironment } from '../../lib/requests/environment.ts';
import { machineEnvironment } from '../../lib/requests/machine-environment.ts';
import { apiPasswordEnvironment } from '../../lib/secrets/environment.ts';

export const environmentSchema = v.object({
  ...requestEnvironment,
  ...accountRegionsEnvironment,
  ...machineEnvironment,
  ...apiPasswordEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
