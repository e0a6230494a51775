import * as v from 'valibot';
import { onboardingEnvironmentSchema } from '../onboarding-environment.ts';

/** What the checks of a request for an upgrade need to know of the deployment: what those of an onboarding do, but for what only that chooses. */
export const upgradeEnvironmentSchema = v.omit(onboardingEnvironmentSchema, [
  'SUPERADMIN_USER_NAME',
  'STACK_REGIONS',
  'ALLOWED_TAG_KEYS',
  'STACK_NAME_PREFIX',
  'ROLE_PATH',
  'STACK_USES',
  'QUOTA_RESERVE',
]);
export type UpgradeEnvironment = v.InferOutput<typeof upgradeEnvironmentSchema>;
