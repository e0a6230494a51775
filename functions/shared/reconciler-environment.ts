import * as v from 'valibot';
import { keyAccessEnvironment } from './key-access-environment.ts';
import { registryEnvironmentSchema } from './registry-environment.ts';

/** The environment of a function that reconciles key policies. */
export const reconcilerEnvironmentSchema = v.object({ ...registryEnvironmentSchema.entries, ...keyAccessEnvironment });
