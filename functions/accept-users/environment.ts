import * as v from 'valibot';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { superadminNameEnvironment } from '../../lib/requests/environment.ts';
import { secretPrefixEnvironment } from '../../lib/secrets/environment.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...superadminNameEnvironment,
  ...secretPrefixEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
