import * as v from 'valibot';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { machineEnvironment } from '../../lib/requests/machine-environment.ts';

export const environmentSchema = v.object({ ...registryEnvironmentSchema.entries, ...machineEnvironment });
