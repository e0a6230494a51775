import * as v from 'valibot';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { secretPrefixEnvironment } from '../../lib/secrets/environment.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...secretPrefixEnvironment,
  /** What update_subscriber receives: every field, or only what changes. */
  UPDATE_SUBSCRIBER_FIELDS: v.picklist(['all', 'changed']),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
