import * as v from 'valibot';
import { keyPolicyWritersEnvironment } from '../../lib/keys/access-environment.ts';
import { reconcilerEnvironmentSchema } from '../../lib/keys/reconciler-environment.ts';
import { metricsEnvironment } from '../../lib/metrics.ts';
import { eventBusEnvironment } from '../../lib/subscribers/environment.ts';

export const environmentSchema = v.object({
  ...reconcilerEnvironmentSchema.entries,
  ...keyPolicyWritersEnvironment,
  ...eventBusEnvironment,
  ...metricsEnvironment,
  /** Whether drift is repaired, beside being reported. */
  REPAIR_KEY_POLICIES: v.picklist(['true', 'false']),
});
