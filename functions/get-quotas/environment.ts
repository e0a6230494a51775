import * as v from 'valibot';
import { accountsEnvironment } from '../../lib/aws/accounts-environment.ts';
import { stackRegionsEnvironment } from '../../lib/aws/homes.ts';
import { keyAccessEnvironment, roleArnEnvironment } from '../../lib/keys/access-environment.ts';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { quotaReserveEnvironment, stackUsesEnvironment } from '../../lib/stacks/quotas/limits.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...accountsEnvironment,
  ...stackRegionsEnvironment,
  ...keyAccessEnvironment,
  ...roleArnEnvironment,
  ...stackUsesEnvironment,
  ...quotaReserveEnvironment,
});
