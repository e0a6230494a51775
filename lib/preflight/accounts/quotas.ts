import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { AccountRegion } from '../../aws/arns.ts';
import { QuotaNearlyExhausted } from '../../errors.ts';
import type { KeptReadings } from '../../stacks/quotas/kept-readings.ts';
import type { QuotaKind, StackUses } from '../../stacks/quotas/limits.ts';
import { stackQuotaKinds, stackQuotaReaders } from '../../stacks/quotas/of-stacks.ts';
import { readEach } from '../../stacks/quotas/readers.ts';
import { type QuotaLine, quotaLine } from '../../stacks/quotas/room.ts';

export interface QuotaDependencies {
  environment: { QUOTA_RESERVE: number | undefined; STACK_USES: StackUses };
  quotas: {
    kept: KeptReadings;
    /** Its calls are soon given up, as an onboarding goes on without them. */
    cloudFormation: (home: AccountRegion) => CloudFormationClient;
    /** Whether there is still time to read on. */
    hasTime: () => boolean;
  };
  now: Date;
}

/** How old a reading may be where there is plenty. */
const keptMs = 5 * 60_000;
/** Plenty is room for so many more onboardings, as many as may begin while a reading is kept. */
const plenty = 200;

/** What an account has left in a Region of the quotas that few calls read, with how much of each a stack takes. */
export type StackQuota = QuotaLine & { kind: QuotaKind; takes: number };

/**
 * What an account has left in a Region. What was read in the last minutes is enough where it leaves plenty; where it does not, or where something
 * could not be read, it is read now: so an increase that AWS has granted counts immediately.
 */
export async function stackQuotas(home: AccountRegion, dependencies: QuotaDependencies): Promise<StackQuota[]> {
  const kept = await read(home, keptMs, dependencies);
  const { QUOTA_RESERVE: reserve = 0 } = dependencies.environment;
  const isPlenty = kept.every(({ free, takes }) => free !== null && free >= reserve + plenty * takes);
  return isPlenty ? kept : read(home, 0, dependencies);
}

async function read(
  home: AccountRegion,
  maxAgeMs: number,
  { environment, quotas, now }: QuotaDependencies,
): Promise<StackQuota[]> {
  const uses = environment.STACK_USES;
  const kinds = stackQuotaKinds.filter((kind) => uses[kind] > 0);
  const mayGoOn = () => {
    if (!quotas.hasTime()) throw new Error('There was no time left to read it');
  };
  const readings = await quotas.kept(home, {
    maxAgeMs,
    now,
    read: () =>
      readEach(kinds, stackQuotaReaders({ region: home.region, cloudFormation: quotas.cloudFormation(home), mayGoOn })),
  });
  return readings.map((reading) => {
    const { kind } = reading;
    return { ...quotaLine(reading, uses), kind, takes: uses[kind] };
  });
}

/**
 * Refuses a request whose stack would take what is to stay free of an account's quotas. What cannot be read refuses nothing: the account may
 * have room all the same, and its stack says it if not.
 * @param replaces whether an earlier stack of the subscriber, which counts, is deleted first
 * @param warn gets what could not be read
 * @throws QuotaNearlyExhausted
 */
export async function requireQuotas(
  home: AccountRegion,
  { replaces, warn }: { replaces: boolean; warn: (message: string) => void },
  dependencies: QuotaDependencies,
): Promise<void> {
  const { QUOTA_RESERVE: reserve } = dependencies.environment;
  if (reserve === undefined) return;
  const scarce: ConstructorParameters<typeof QuotaNearlyExhausted>[2][number][] = [];
  for (const { kind, name, used, limit, takes, askFor, errors } of await stackQuotas(home, dependencies)) {
    const { accountId, region } = home;
    if (errors !== undefined) warn(`${name} of account ${accountId} in ${region}: ${errors[0]?.message}`);
    if (used === null || limit === null || (replaces && kind === 'stacks')) continue;
    if (limit - used - takes < reserve) scarce.push({ name, used, limit, takes, askFor });
  }
  if (scarce.length > 0) throw new QuotaNearlyExhausted(home.accountId, home.region, scarce, reserve);
}
