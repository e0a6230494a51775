export { onboardingEnvironmentSchema as environmentSchema } from '../../lib/preflight/onboarding-environment.ts';
