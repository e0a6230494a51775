import * as v from 'valibot';
import { infinstorEnvironment } from '../../lib/infinstor/environment.ts';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { superadminNameEnvironment } from '../../lib/requests/environment.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...infinstorEnvironment,
  ...superadminNameEnvironment,
  /** JSON `{userName, password}`, made by the operator. */
  SUPERADMIN_SECRET_ID: v.string(),
  /** The shared token, written here and read by create-subscriber. */
  SUPERADMIN_TOKEN_SECRET_ID: v.string(),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
