import * as v from 'valibot';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { stackPollEnvironment } from '../../lib/stacks/poll.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...stackPollEnvironment,
  /** Where the subscribers' secrets lie, by which stacks are marked: `infinstor/<stage>/`. */
  SECRET_PREFIX: v.pipe(v.string(), v.endsWith('/', 'must end with a slash')),
  STACK_NAME_PREFIX: v.string(),
  ROLE_NAME_PREFIX: v.pipe(v.string(), v.nonEmpty()),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
