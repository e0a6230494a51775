import * as v from 'valibot';
import { accountsEnvironment } from '../../lib/aws/accounts-environment.ts';
import { deploymentEnvironment } from '../../lib/aws/deployment-environment.ts';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { secretPrefixEnvironment } from '../../lib/secrets/environment.ts';
import { eventBusEnvironment } from '../../lib/subscribers/environment.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...accountsEnvironment,
  ...deploymentEnvironment,
  ...secretPrefixEnvironment,
  ...eventBusEnvironment,
  /** How long secrets can still be restored, as Secrets Manager allows. */
  SECRET_RECOVERY_DAYS: v.pipe(
    v.string(),
    v.regex(/^\d+$/, 'must be a number of days'),
    v.transform(Number),
    v.minValue(7, 'must be at least 7 days'),
    v.maxValue(30, 'must be at most 30 days'),
  ),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
