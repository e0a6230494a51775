import * as v from 'valibot';
import { accountsEnvironment } from '../../lib/aws/accounts-environment.ts';
import { stackTimeoutEnvironment } from '../../lib/stacks/environment.ts';

export const environmentSchema = v.object({
  ...accountsEnvironment,
  ...stackTimeoutEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
