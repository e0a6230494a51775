import * as v from 'valibot';
import { arnOwner } from './arns.ts';
import type { RequestRules } from './request.ts';

/** What a function needs that takes requests in and starts the machine. */
export const doorEnvironmentSchema = v.object({
  STATE_MACHINE_ARN: v.string(),
  /** Where the subscribers' secrets lie: `infinstor/<stage>/`. */
  SECRET_PREFIX: v.pipe(v.string(), v.endsWith('/', 'must end with a slash')),
  /** The Regions that a request may choose from, comma separated. */
  STACK_REGIONS: v.pipe(
    v.string(),
    v.transform((list) => list.split(',')),
  ),
});
export type DoorEnvironment = v.InferOutput<typeof doorEnvironmentSchema>;

/** What the deployment lets a request choose from, as the machine will have it. */
export function requestRules({ STATE_MACHINE_ARN, SECRET_PREFIX, STACK_REGIONS }: DoorEnvironment): RequestRules {
  return {
    inputSecretPrefix: `${SECRET_PREFIX}input/`,
    own: arnOwner(STATE_MACHINE_ARN),
    stackRegions: STACK_REGIONS,
  };
}
