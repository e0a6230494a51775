import * as v from 'valibot';
import { accountsEnvironment } from '../../lib/aws/accounts-environment.ts';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { stackTimeoutEnvironment } from '../../lib/stacks/environment.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...accountsEnvironment,
  ...stackTimeoutEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
