import * as v from 'valibot';
import { infinstorEnvironment } from '../../lib/infinstor/environment.ts';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { secretKeyEnvironment } from '../../lib/secrets/environment.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...infinstorEnvironment,
  ...secretKeyEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
