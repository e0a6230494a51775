import * as v from 'valibot';
import { reconcilerEnvironmentSchema } from '../../lib/keys/reconciler-environment.ts';

export const environmentSchema = v.object({
  ...reconcilerEnvironmentSchema.entries,
  /** The roles of the deployment's functions that write key policies, by ARN. */
  KEY_POLICY_WRITERS: v.pipe(
    v.string(),
    v.transform((arns) => arns.split(',')),
  ),
  /** Whether drift is repaired, beside being reported. */
  REPAIR_KEY_POLICIES: v.picklist(['true', 'false']),
  /** Of the metric. */
  METRIC_NAMESPACE: v.pipe(v.string(), v.nonEmpty()),
});
