import * as v from 'valibot';
import { accountsEnvironment } from './accounts-environment.ts';
import { keyAccessEnvironment } from './key-access-environment.ts';
import { registryEnvironmentSchema } from './registry-environment.ts';

/** The environment of a function that reconciles key policies. */
export const reconcilerEnvironmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...keyAccessEnvironment,
  ...accountsEnvironment,
});
