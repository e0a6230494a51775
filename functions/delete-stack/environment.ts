import * as v from 'valibot';
import { stackServiceRoleEnvironment, stackTimeoutEnvironment } from '../../lib/stacks/environment.ts';

export const environmentSchema = v.object({
  ...stackServiceRoleEnvironment,
  ...stackTimeoutEnvironment,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
