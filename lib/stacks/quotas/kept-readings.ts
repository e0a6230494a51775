import type { AccountRegion } from '../../aws/arns.ts';
import type { QuotaReading } from './room.ts';

export type KeptReadings = (
  home: AccountRegion,
  how: {
    /** How old a reading may be that is not of this invocation, which `now` stands for. */
    maxAgeMs: number;
    now: Date;
    read: () => Promise<QuotaReading[]>;
  },
) => Promise<QuotaReading[]>;

/** What was read of accounts' quotas: a process reads it again only when it is older than the caller wants it. */
export function keptReadings(): KeptReadings {
  const kept = new Map<string, { at: Date; readings: QuotaReading[] }>();
  return async ({ accountId, region }, { maxAgeMs, now, read }) => {
    const key = `${accountId} ${region}`;
    const known = kept.get(key);
    if (known !== undefined && (known.at === now || now.getTime() - known.at.getTime() < maxAgeMs)) {
      return known.readings;
    }
    const readings = await read();
    kept.set(key, { at: now, readings });
    return readings;
  };
}
