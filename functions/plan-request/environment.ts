import * as v from 'valibot';
import { offboardingEnvironmentSchema } from '../../lib/preflight/offboarding.ts';
import { onboardingEnvironmentSchema } from '../../lib/preflight/onboarding-environment.ts';
import { updateEnvironmentSchema } from '../../lib/preflight/update.ts';
import { usersEnvironmentSchema } from '../../lib/preflight/users.ts';

/** What the first step of each machine needs. */
export const environmentSchema = v.object({
  ...onboardingEnvironmentSchema.entries,
  ...updateEnvironmentSchema.entries,
  ...usersEnvironmentSchema.entries,
  ...offboardingEnvironmentSchema.entries,
});
export type Environment = v.InferOutput<typeof environmentSchema>;
