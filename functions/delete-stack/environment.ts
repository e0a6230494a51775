import * as v from 'valibot';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { stackServiceRoleEnvironment, stackTimeoutEnvironment } from '../../lib/stacks/environment.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...stackServiceRoleEnvironment,
  ...stackTimeoutEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
