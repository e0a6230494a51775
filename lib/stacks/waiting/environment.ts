import * as v from 'valibot';
import { accountsEnvironment } from '../../aws/accounts-environment.ts';
import { registryEnvironmentSchema } from '../../registry/environment.ts';

/** The environment of a function that waits for stacks, or ends the wait. */
export const stackWaitEnvironmentSchema = v.object({ ...registryEnvironmentSchema.entries, ...accountsEnvironment });
