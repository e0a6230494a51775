import * as v from 'valibot';
import { accountRegionsEnvironment } from '../../lib/aws/accounts-environment.ts';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { requestEnvironment } from '../../lib/requests/environment.ts';
import { machineEnvironment } from '../../lib/requests/machine-environment.ts';
import { secretKeyEnvironment } from '../../lib/secrets/environment.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...requestEnvironment,
  ...accountRegionsEnvironment,
  ...machineEnvironment,
  ...secretKeyEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
