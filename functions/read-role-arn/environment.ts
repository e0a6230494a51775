import * as v from 'valibot';
import { accountsEnvironment } from '../../lib/aws/accounts-environment.ts';
import { roleNameEnvironment } from '../../lib/keys/access-environment.ts';

export const environmentSchema = v.object({
  ...accountsEnvironment,
  ...roleNameEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
