import type { AccountRegion } from '../../aws/arns.ts';
import type { QuotaReading } from './room.ts';

export type KeptReadings = (
  home: AccountRegion,
  how: { maxAgeMs: number; now: number; read: () => Promise<QuotaReading[]> },
) => Promise<QuotaReading[]>;

/** What was read of accounts' quotas: a process reads it again only when it is older than the caller wants it. */
export function keptReadings(): KeptReadings {
  const kept = new Map<string, { at: number; readings: QuotaReading[] }>();
  return async ({ accountId, region }, { maxAgeMs, now, read }) => {
    const key = `${accountId} ${region}`;
    const known = kept.get(key);
    if (known !== undefined && now - known.at <= maxAgeMs) return known.readings;
    const readings = await read();
    kept.set(key, { at: now, readings });
    return readings;
  };
}
