import * as v from 'valibot';
import { accountsEnvironment } from '../../lib/aws/accounts-environment.ts';
import { stackRegionsEnvironment } from '../../lib/aws/homes.ts';
import { metricsEnvironment } from '../../lib/metrics.ts';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { stackUsesEnvironment } from '../../lib/stacks/quotas/limits.ts';
import { eventBusEnvironment } from '../../lib/subscribers/environment.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...accountsEnvironment,
  ...stackRegionsEnvironment,
  ...stackUsesEnvironment,
  ...eventBusEnvironment,
  ...metricsEnvironment,
  /** From how many percent of a quota on it is announced. */
  QUOTA_WARNING_PERCENT: v.pipe(
    v.string(),
    v.regex(/^(?:[1-9]\d?|100)$/, 'must be a whole number from 1 to 100'),
    v.transform(Number),
  ),
});
