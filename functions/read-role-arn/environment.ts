import * as v from 'valibot';
import { accountsEnvironment } from '../../lib/aws/accounts-environment.ts';

export const environmentSchema = v.object({
  ...accountsEnvironment,
  /** How the name of the role that InfinStor assumes begins; the vendor's guide says `RoleForInfinStorMlflowService-`. */
  ROLE_NAME_PREFIX: v.pipe(v.string(), v.nonEmpty()),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
