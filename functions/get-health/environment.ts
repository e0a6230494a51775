import * as v from 'valibot';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  /** The version of the project that is deployed. */
  VERSION: v.pipe(v.string(), v.nonEmpty('must not be empty')),
});
