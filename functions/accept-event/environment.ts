import * as v from 'valibot';
import { accountRegionsEnvironment } from '../../lib/aws/accounts-environment.ts';
import { requestEnvironment } from '../../lib/requests/environment.ts';
import { machineEnvironment } from '../../lib/requests/machine-environment.ts';

export const environmentSchema = v.object({
  ...requestEnvironment,
  ...accountRegionsEnvironment,
  ...machineEnvironment,
  /** Where refused events go. */
  DEAD_LETTER_QUEUE_URL: v.string(),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
