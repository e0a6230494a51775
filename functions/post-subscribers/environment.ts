import * as v from 'valibot';
import { accountRegionsEnvironment } from '../../lib/aws/accounts-environment.ts';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { requestEnvironment } from '../../lib/requests/environment.ts';
import { machineEnvironment } from '../../lib/requests/machine-environment.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...requestEnvironment,
  ...accountRegionsEnvironment,
  ...machineEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
