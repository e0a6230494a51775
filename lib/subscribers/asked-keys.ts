import { type Operation, operationOf } from './operations.ts';
import type { SubscriberRecord } from './record.ts';

type Known = Pick<SubscriberRecord, 'asked' | 'attempts' | 'status'>;

/** What asks for keys. */
const asking: readonly Operation[] = ['onboard-subscriber', 'upgrade-subscriber'];

/**
 * The keys that the subscriber's onboardings and upgrades have asked for since it was offboarded, and so all keys that may have a grant of its roles.
 * @returns undefined when that is not known: an onboarding that a version without this has accepted is the latest, or among those that count
 */
export function askedKeys({ asked, attempts }: Pick<Known, 'asked' | 'attempts'>): readonly string[] | undefined {
  const latest = attempts.findLast(({ executionArn }) => asking.includes(operationOf(executionArn)));
  return latest !== undefined && latest.executionArn === asked?.through ? asked.keyArns : undefined;
}

/** What an onboarding or upgrade adds to them with its claim, before it asks for anything; nothing when those before it are not known. */
export function withAskedKeys(
  record: Known | undefined,
  executionArn: string,
  keyArns: readonly string[],
): { asked?: NonNullable<SubscriberRecord['asked']> } {
  const before = record === undefined || record.status === 'OFFBOARDED' ? [] : askedKeys(record);
  return before === undefined
    ? {}
    : { asked: { through: executionArn, keyArns: [...new Set([...before, ...keyArns])] } };
}
