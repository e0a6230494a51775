import * as v from 'valibot';
import { type Accounts, accountsEnvironment } from '../aws/accounts-environment.ts';
import type { AccountRegion } from '../aws/arns.ts';
import { regionsSchema } from '../aws/regions.ts';

/** Whose stack events reach the deployment, of its own account. */
export const stackEventsEnvironment = {
  /** The Regions of the deployment's account whose stack events reach it, comma separated, beside its own Region. May be empty. */
  STACK_EVENT_REGIONS: v.union([
    v.pipe(
      v.literal(''),
      v.transform((): string[] => []),
    ),
    regionsSchema,
  ]),
};

/** The settings by which stack events reach the deployment. */
export const stackPollEnvironment = { ...accountsEnvironment, ...stackEventsEnvironment };

interface Environment {
  ACCOUNTS: Accounts;
  STACK_EVENT_REGIONS: string[];
}

/**
 * How long a wait for a stack there may last before the stack is looked at, in seconds. Where CloudFormation's events reach the
 * deployment they end the wait, and looking is a safety net for a lost one.
 * @param own the deployment's account and Region
 */
export function stackPollSeconds(home: AccountRegion, own: AccountRegion, environment: Environment): number {
  return receivesStackEvents(home, own, environment) ? 600 : 30;
}

function receivesStackEvents(
  { accountId, region }: AccountRegion,
  own: AccountRegion,
  { ACCOUNTS, STACK_EVENT_REGIONS }: Environment,
) {
  if (accountId !== own.accountId) return ACCOUNTS[accountId]?.stackEvents === 'forwarded';
  return region === own.region || STACK_EVENT_REGIONS.includes(region);
}
