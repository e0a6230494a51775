import * as v from 'valibot';
import { keyAccessEnvironment } from '../shared/key-access-environment.ts';
import { registryEnvironmentSchema } from '../shared/registry-environment.ts';

export const environmentSchema = v.object({ ...registryEnvironmentSchema.entries, ...keyAccessEnvironment });
