import * as v from 'valibot';
import { infinstorApiEnvironment } from '../../lib/infinstor/environment.ts';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';

export const environmentSchema = v.object({ ...registryEnvironmentSchema.entries, ...infinstorApiEnvironment });
export type Environment = v.InferOutput<typeof environmentSchema>;
