import * as v from 'valibot';
import { arnOwner } from './arns.ts';
import type { RequestRules } from './request.ts';

/** What a function needs to know of the deployment to parse requests. */
export const requestEnvironment = {
  /** Where the subscribers' secrets lie: `infinstor/<stage>/`. */
  SECRET_PREFIX: v.pipe(v.string(), v.endsWith('/', 'must end with a slash')),
  /** The Regions that a request may choose from, comma separated. */
  STACK_REGIONS: v.pipe(
    v.string(),
    v.transform((list) => list.split(',')),
  ),
};

/** @param ownArn an ARN of the deployment, whose account and Region are a request's defaults */
export function requestRules(
  environment: { SECRET_PREFIX: string; STACK_REGIONS: string[] },
  ownArn: string,
): RequestRules {
  return {
    inputSecretPrefix: `${environment.SECRET_PREFIX}input/`,
    own: arnOwner(ownArn),
    stackRegions: environment.STACK_REGIONS,
  };
}
