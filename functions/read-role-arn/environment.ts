import * as v from 'valibot';
import { accountsEnvironment } from '../../lib/aws/accounts-environment.ts';
import { roleNameEnvironment } from '../../lib/keys/access-environment.ts';
import { metricsEnvironment } from '../../lib/metrics.ts';
import { stackTimeoutEnvironment } from '../../lib/stacks/environment.ts';

export const environmentSchema = v.object({
  ...accountsEnvironment,
  ...roleNameEnvironment,
  ...stackTimeoutEnvironment,
  ...metricsEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
