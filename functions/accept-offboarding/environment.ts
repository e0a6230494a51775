export { offboardingEnvironmentSchema as environmentSchema } from '../../lib/preflight/offboarding.ts';
