import * as v from 'valibot';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { machineEnvironment } from '../../lib/requests/machine-environment.ts';
import { secretPrefixEnvironment } from '../../lib/secrets/environment.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...machineEnvironment,
  ...secretPrefixEnvironment,
});
