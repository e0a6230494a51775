import * as v from 'valibot';
import { deploymentEnvironment } from '../../lib/aws/deployment-environment.ts';
import { keyPolicyWritersEnvironment, roleArnEnvironment } from '../../lib/keys/access-environment.ts';
import { registryEnvironmentSchema } from '../../lib/registry/environment.ts';
import { secretPrefixEnvironment } from '../../lib/secrets/environment.ts';
import { stackNameEnvironment } from '../../lib/stacks/environment.ts';
import { stackPollEnvironment } from '../../lib/stacks/poll.ts';

export const environmentSchema = v.object({
  ...registryEnvironmentSchema.entries,
  ...stackPollEnvironment,
  ...secretPrefixEnvironment,
  ...deploymentEnvironment,
  ...stackNameEnvironment,
  ...roleArnEnvironment,
  ...keyPolicyWritersEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
