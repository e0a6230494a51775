import * as v from 'valibot';

/** What a function needs to know to recognize what is this deployment's, and not another one's. */
export const deploymentEnvironment = {
  /** Account, Region, and service with stage: `111111111111/us-east-1/infinstor-onboarding-prod`. */
  DEPLOYMENT_ID: v.pipe(v.string(), v.nonEmpty()),
};
