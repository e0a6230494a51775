import type { AccountRegions } from './accounts-environment.ts';
import { type AccountRegion, arnOwner } from './arns.ts';
import { regionsSchema } from './regions.ts';

export const stackRegionsEnvironment = {
  /** The Regions of the deployment's account that a request may choose from, comma separated. */
  STACK_REGIONS: regionsSchema,
};

/**
 * Every account and Region that the deployment onboards into.
 * @param ownArn an ARN of the deployment, whose account comes first
 */
export function homesOf(
  { ACCOUNTS, STACK_REGIONS }: { ACCOUNTS: AccountRegions; STACK_REGIONS: readonly string[] },
  ownArn: string,
): AccountRegion[] {
  const { accountId } = arnOwner(ownArn);
  const all: [string, readonly string[]][] = [
    [accountId, STACK_REGIONS],
    ...Object.entries(ACCOUNTS).map(([id, { regions }]): [string, readonly string[]] => [id, regions]),
  ];
  return all.flatMap(([id, regions]) => regions.map((region) => ({ accountId: id, region })));
}
