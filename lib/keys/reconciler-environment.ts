import * as v from 'valibot';
import { accountsEnvironment } from '../aws/accounts-environment.ts';
import { deploymentEnvironment } from '../aws/deployment-environment.ts';
import { registryEnvironmentSchema } from '../registry/environment.ts';
import { keyAccessEnvironment } from './access-environment.ts';

/** The environment of a function that reconciles key policies. */
export const reconcilerEnvironmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...keyAccessEnvironment,
  ...accountsEnvironment,
  ...deploymentEnvironment,
});
