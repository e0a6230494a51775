import * as v from 'valibot';
import { reconcilerEnvironmentSchema } from '../../lib/keys/reconciler-environment.ts';
import { metricsEnvironment } from '../../lib/metrics.ts';

export const environmentSchema = v.object({ ...reconcilerEnvironmentSchema.entries, ...metricsEnvironment });
