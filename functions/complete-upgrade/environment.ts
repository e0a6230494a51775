import * as v from 'valibot';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { eventBusEnvironment } from '../../lib/subscribers/environment.ts';

export const environmentSchema = v.object({ ...registryEnvironmentSchema.entries, ...eventBusEnvironment });
