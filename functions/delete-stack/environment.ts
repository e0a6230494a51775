import * as v from 'valibot';
import { accountsEnvironment } from '../../lib/aws/accounts-environment.ts';

export const environmentSchema = v.object({
  ...accountsEnvironment,
  /** After how many minutes of waiting a stack that does not end is given up. */
  STACK_TIMEOUT_MINUTES: v.pipe(v.string(), v.regex(/^\d+$/, 'must be a number of minutes'), v.transform(Number)),
});
export type Environment = v.InferOutput<typeof environmentSchema>;
