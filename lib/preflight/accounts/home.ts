import { type AccountRegion, arnOwner, parseKeyArn } from '../../aws/arns.ts';
import { resultsOfEach } from '../../each.ts';
import { InvalidRequest } from '../../errors.ts';
import { autoAccount, customerManagedKeys, type Request } from '../../requests/onboarding.ts';
import { narrowest } from '../../stacks/quotas/room.ts';
import type { SubscriberRecord } from '../../subscribers/record.ts';
import { type QuotaDependencies, stackQuotas } from './quotas.ts';

/** Where a subscriber's stack is, or was to be; undefined when the registry does not know. */
export function homeBefore(record: Pick<SubscriberRecord, 'home' | 'stackId'> | undefined): AccountRegion | undefined {
  return record?.home ?? (record?.stackId === undefined ? undefined : arnOwner(record.stackId));
}

export const isSameHome = (one: AccountRegion, other: AccountRegion) =>
  one.accountId === other.accountId && one.region === other.region;

/** How many accounts are read at the same time. */
const atOnce = 10;

/**
 * Where the stack of a request is to be. With `stack.accountId: "auto"` a subscriber that has a home keeps it, whatever room others have; for any
 * other one it is the account with room for the most subscribers, of those that are configured for the Region and have the request's keys.
 * @param homes every account and Region that the deployment onboards into
 * @param warn gets the accounts that could not be read, and so were not chosen
 * @throws InvalidRequest when the subscriber's home is not among the accounts any more
 * @throws Error under AWS's own name when no account could be read
 */
export async function chooseHome(
  request: Request,
  record: SubscriberRecord | undefined,
  { homes, warn, ...dependencies }: QuotaDependencies & { homes: AccountRegion[]; warn: (message: string) => void },
): Promise<AccountRegion> {
  const { accountId, region, isRegionOpen = false } = request.stack;
  if (accountId !== autoAccount) return { accountId, region };
  const before = homeBefore(record);
  if (before !== undefined) {
    const kept = { accountId: before.accountId, region: isRegionOpen ? before.region : region };
    if (homes.some((home) => isSameHome(home, kept))) return kept;
    if (record?.status !== 'OFFBOARDED') {
      const rule = `cannot be auto: the subscriber's home is account ${kept.accountId} in ${kept.region}, which the deployment does not have`;
      throw new InvalidRequest('stack.accountId', rule);
    }
  }
  return withMostRoom(candidatesFor(request, homes), { warn, ...dependencies });
}

/** A key serves in its own account alone. Where none has it, its check says so. */
function candidatesFor(request: Request, homes: AccountRegion[]): AccountRegion[] {
  const owners = new Set(customerManagedKeys(request).map((keyArn) => parseKeyArn(keyArn)?.accountId));
  const inRegion = homes.filter(({ region }) => region === request.stack.region);
  const withKeys = inRegion.filter(({ accountId }) => owners.has(accountId));
  return withKeys.length > 0 ? withKeys : inRegion;
}

async function withMostRoom(
  homes: AccountRegion[],
  { warn, ...dependencies }: QuotaDependencies & { warn: (message: string) => void },
): Promise<AccountRegion> {
  const [only, ...others] = homes;
  if (only !== undefined && others.length === 0) return only;
  let refused: { name: string; message: string } | undefined;
  let best: { home: AccountRegion; fit: number } | undefined;
  const read = async (home: AccountRegion) => ({ home, lines: await stackQuotas(home, dependencies) });
  for (const { home, lines } of await resultsOfEach(homes, atOnce, read)) {
    const [error] = lines.flatMap(({ errors = [] }) => errors);
    if (error !== undefined) {
      refused ??= error;
      warn(
        `Account ${home.accountId} in ${home.region} is not chosen, because its quotas cannot be read: ${error.message}`,
      );
      continue;
    }
    const { subscribersThatFit: fit } = narrowest(lines);
    // Of equals the first, so that a repeat chooses the same.
    if (best === undefined || (fit ?? 0) > best.fit) best = { home, fit: fit ?? 0 };
  }
  if (best !== undefined) return best.home;
  // Once chosen it stays: an account that nobody has looked at is no choice.
  const { name = 'Error', message = 'there is none' } = refused ?? {};
  throw Object.assign(new Error(`stack.accountId: no account can be chosen: ${message}`), { name });
}
