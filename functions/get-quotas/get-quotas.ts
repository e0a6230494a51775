import type { KMSClient } from '@aws-sdk/client-kms';
import type { AccountRegion } from '../../lib/aws/arns.ts';
import { arnOwner } from '../../lib/aws/arns.ts';
import { explain } from '../../lib/aws/explain.ts';
import { resultsOfEach } from '../../lib/each.ts';
import { InvalidRequest, remedyFor } from '../../lib/errors.ts';
import { readGrants } from '../../lib/keys/grants.ts';
import type { KeyAccess } from '../../lib/keys/key-policy.ts';
import { readKeyPolicy } from '../../lib/keys/kms.ts';
import { knownKeys } from '../../lib/keys/known-keys.ts';
import { readReservations } from '../../lib/keys/reservations.ts';
import { keyRoom, roleArnsBeside } from '../../lib/keys/room/room.ts';
import { whenIndexed } from '../../lib/registry/status-index.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { type QuotaKind, quotaKinds, type StackUses } from '../../lib/stacks/quotas/limits.ts';
import { stackQuotaKinds } from '../../lib/stacks/quotas/of-stacks.ts';
import { type QuotaClients, readQuotas } from '../../lib/stacks/quotas/read.ts';
import { narrowest, type QuotaLine, quotaLine } from '../../lib/stacks/quotas/room.ts';

interface Dependencies {
  registry: Registry;
  kms: (home: AccountRegion) => KMSClient;
  clients: (home: AccountRegion) => Omit<QuotaClients, 'mayGoOn' | 'region'>;
  access: KeyAccess;
  roleNames: { ROLE_PATH: string; ROLE_NAME_PREFIX: string };
  uses: StackUses;
  /** How many of the quotas that onboardings look at must stay free. */
  reserve: number;
  homes: readonly AccountRegion[];
  now: () => number;
  /** Whether there is still time to begin with something. */
  hasTime: () => boolean;
}

interface Failure {
  error: { name: string; message: string; remedy: string };
}

type AccountQuotas = AccountRegion &
  ({ quotas: QuotaLine[]; subscribersThatFit: number | null; narrowest: string | null } | Failure);
type KeyQuota = { keyArn: string } & ({ freeBytes: number; subscribersThatFit: number | null } | Failure);

export interface Quotas {
  accounts: AccountQuotas[];
  keys: KeyQuota[];
}

/** How many accounts in a Region, or keys, are read at the same time. */
const atOnce = 10;

/**
 * What each account in each Region that the deployment onboards into has left of AWS's quotas, and each key of the registry of its policy.
 * What cannot be read, or not in time, is a line with the reason.
 * @param only the account and Region that is asked for; default: all
 * @throws InvalidRequest when the deployment does not onboard there
 * @throws ApiProblem while the index of the registry is being made
 */
export async function getQuotas(
  only: { accountId: string | undefined; region: string | undefined },
  dependencies: Dependencies,
): Promise<Quotas> {
  const { accountId, region } = only;
  const isAsked = (home: AccountRegion) =>
    (accountId === undefined || home.accountId === accountId) && (region === undefined || home.region === region);
  const homes = dependencies.homes.filter(isAsked);
  if (homes.length === 0) {
    const field = accountId === undefined ? 'region' : 'accountId';
    throw new InvalidRequest(field, 'must be one that the deployment onboards into');
  }
  const [accounts, keys] = await Promise.all([
    resultsOfEach(homes, atOnce, async (home) => ({
      ...home,
      ...(await orFailure(() => quotasOf(home, dependencies), dependencies)),
    })),
    readKeys(isAsked, dependencies),
  ]);
  return { accounts, keys };
}

async function quotasOf(home: AccountRegion, { clients, uses, reserve, hasTime }: Dependencies) {
  const made = clients(home);
  // Another account that lets nobody in is one line, and not one of each quota.
  await made.cloudFormation.config.credentials();
  const kinds = quotaKinds.filter((kind) => uses[kind] > 0);
  const mayGoOn = () => {
    if (!hasTime()) throw new OutOfTime();
  };
  const readings = await readQuotas(kinds, { ...made, region: home.region, mayGoOn });
  const isLookedAt = (kind: QuotaKind) => stackQuotaKinds.some((each) => each === kind);
  const quotas = readings.map((reading) => quotaLine(reading, uses, isLookedAt(reading.kind) ? reserve : 0));
  return { quotas, ...narrowest(quotas) };
}

async function readKeys(isAsked: (home: AccountRegion) => boolean, dependencies: Dependencies): Promise<KeyQuota[]> {
  const keyArns = await whenIndexed(() => allOf(knownKeys(dependencies.registry)));
  const asked = keyArns.filter((keyArn) => isAsked(arnOwner(keyArn)));
  return resultsOfEach(asked.sort(), atOnce, async (keyArn) => ({
    keyArn,
    ...(await orFailure(() => keyQuota(keyArn, dependencies), dependencies)),
  }));
}

async function allOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function keyQuota(keyArn: string, { registry, kms, access, roleNames, now }: Dependencies) {
  const [{ policy }, grants, reservations] = await Promise.all([
    readKeyPolicy(kms(arnOwner(keyArn)), keyArn),
    readGrants(registry, keyArn),
    readReservations(registry, keyArn, new Date(now())),
  ]);
  const room = keyRoom({ policy, grants, reservations, access, roleArnFor: roleArnsBeside(keyArn, roleNames) });
  return { freeBytes: room.freeBytes, subscribersThatFit: room.subscribersThatFit };
}

/** Time has run out: a function behind the HTTP API has less than 30 s. */
class OutOfTime extends Error {
  override readonly name = 'NotReadInTime';

  constructor() {
    super('There was no time left to read it');
  }
}
const askForLess = 'Ask again with accountId and region, for less at a time.';

async function orFailure<Found>(read: () => Promise<Found>, { hasTime }: Dependencies): Promise<Found | Failure> {
  try {
    if (!hasTime()) throw new OutOfTime();
    return await read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { name } = error;
    const remedy = error instanceof OutOfTime ? askForLess : remedyFor(name);
    return { error: { name, message: explain(error), remedy } };
  }
}
