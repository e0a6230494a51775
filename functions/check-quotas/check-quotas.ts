import type { Logger } from '@aws-lambda-powertools/logger';
import type { AccountRegion } from '../../lib/aws/arns.ts';
import { explain } from '../../lib/aws/explain.ts';
import { problemsOfEach, resultsOfEach, throwTogether } from '../../lib/each.ts';
import { groupedBy } from '../../lib/grouped.ts';
import type { EmitMetric } from '../../lib/metrics.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { quotaFacts, quotaKinds, type StackUses } from '../../lib/stacks/quotas/limits.ts';
import { type QuotaClients, readQuotas } from '../../lib/stacks/quotas/read.ts';
import { type QuotaLine, quotaLine } from '../../lib/stacks/quotas/room.ts';
import type { EventDetail } from '../../lib/subscribers/event-schemas.ts';
import { type EventBus, publishQuota } from '../../lib/subscribers/events.ts';
import { announcedOn, rememberAnnounced } from './announced.ts';

export interface Dependencies {
  clients: (home: AccountRegion) => Pick<QuotaClients, 'cloudFormation' | 'dynamoDb'>;
  registry: Registry;
  events: EventBus;
  emit: EmitMetric;
  uses: StackUses;
  /** From how many percent on a quota is announced. */
  warningPercent: number;
  /** Whether there is still time to begin with something. */
  hasTime: () => boolean;
  logger: Pick<Logger, 'warn'>;
  now: Date;
}

/** How many accounts are read at the same time. */
const atOnce = 5;

/**
 * Looks at how much of AWS's quotas every account uses that subscribers go into: emits it as a metric, and publishes an event on each day on which
 * one is nearly exhausted. What cannot be read is logged, and keeps nothing else from its turn.
 * @throws AggregateError of the events that could not be published, when all have been looked at
 */
export async function checkQuotas(homes: readonly AccountRegion[], dependencies: Dependencies): Promise<void> {
  const { emit, logger, warningPercent, now } = dependencies;
  const accounts = [...groupedBy(homes, ({ accountId }) => accountId).values()];
  const found = await resultsOfEach(accounts, atOnce, (account) => readAccount(account, dependencies));
  const scarce = found.flat().filter(({ accountId, region, quota, percentUsed }) => {
    emit('QuotaUsed', percentUsed, { quota, account: accountId, region: region ?? everywhere });
    return percentUsed >= warningPercent;
  });
  const problems = await problemsOfEach(scarce, (quota) => {
    logger.warn('quota is nearly exhausted', quota);
    return announce(quota, now, dependencies);
  });
  throwTogether(problems, 'quotas that are nearly exhausted could not be announced');
}
const everywhere = 'all Regions';

type Usage = EventDetail<'QuotaNearlyExhausted'>;

/** What an account uses, in one Region after the other. What it has in all of them together is read in the first one. */
async function readAccount(
  homes: readonly AccountRegion[],
  { clients, uses, hasTime, logger }: Dependencies,
): Promise<Usage[]> {
  const mayGoOn = () => {
    if (!hasTime()) throw new Error('There was no time left to read it');
  };
  const found: Usage[] = [];
  for (const [place, home] of homes.entries()) {
    const kinds = quotaKinds.filter((kind) => uses[kind] > 0 && (place === 0 || quotaFacts[kind].scope === 'region'));
    try {
      mayGoOn();
      const made = clients(home);
      // An account that lets nobody in is one line, and not one of each quota.
      await made.cloudFormation.config.credentials();
      const readings = await readQuotas(kinds, { ...made, region: home.region, mayGoOn });
      for (const reading of readings) {
        const line = quotaLine(reading, uses);
        const usage = usageOf(home, line);
        if (usage === undefined)
          logger.warn('quota cannot be read', { ...home, quota: line.name, errors: line.errors });
        else found.push(usage);
      }
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      logger.warn('account cannot be read', { ...home, errorName: error.name, errorMessage: explain(error) });
      // It is no more open in its other Regions.
      break;
    }
  }
  return found;
}

function usageOf(
  home: AccountRegion,
  { name: quota, quotaCode, scope, used, limit, subscribersThatFit, askFor }: QuotaLine,
): Usage | undefined {
  if (used === null || limit === null || subscribersThatFit === null) return undefined;
  const percentUsed = limit === 0 ? 100 : Math.round((used / limit) * 1_000) / 10;
  const place = { accountId: home.accountId, region: scope === 'region' ? home.region : null };
  return { ...place, quota, quotaCode, used, limit, percentUsed, subscribersThatFit, askFor };
}

/** Publishes it, once on a day: the registry has what was published. */
async function announce(usage: Usage, now: Date, { registry, events }: Dependencies): Promise<void> {
  const day = now.toISOString().slice(0, 10);
  const { accountId, region, quotaCode } = usage;
  const quota = { accountId, region: region ?? everywhere, quotaCode };
  if ((await announcedOn(registry, quota)) === day) return;
  // Before it is remembered: an event may come twice, with the same key, but must not be lost.
  await publishQuota(events, usage, day);
  await rememberAnnounced(registry, quota, { day, now });
}
