import * as v from 'valibot';
import { infinstorEnvironment } from '../../lib/infinstor/environment.ts';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { superadminNameEnvironment } from '../../lib/requests/environment.ts';
import { superadminSecretsEnvironment } from '../../lib/secrets/environment.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...infinstorEnvironment,
  ...superadminNameEnvironment,
  ...superadminSecretsEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
