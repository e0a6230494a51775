import type { Drift } from '../../lib/keys/drift/drift.ts';
import type { EventDetail } from '../../lib/subscribers/event-schemas.ts';

/** Half of what EventBridge lets an event have, 256 KB (EventBridge user guide, "Calculating PutEvents event entry size"). */
const maxListBytes = 32 * 1024;
const maxMessageLength = 2_000;

/** The drift as it fits into one event and one log line, with the number of names that were left out of its lists. */
export function shortened({
  reason,
  ...lists
}: Drift): Omit<EventDetail<'KeyPolicyDrift'>, 'keyArn' | 'repaired' | 'by'> {
  const { missingRoles, unexpectedRoles, orphanedIds, lostStatements } = lists;
  const short = {
    missingRoles: beginningOf(missingRoles),
    unexpectedRoles: beginningOf(unexpectedRoles),
    orphanedIds: beginningOf(orphanedIds),
    lostStatements: beginningOf(lostStatements),
  };
  const count = (all: object) => Object.values(all).flat().length;
  return {
    ...short,
    reason: reason && { name: reason.name, message: reason.message.slice(0, maxMessageLength) },
    omitted: count(lists) - count(short),
  };
}

/** The names that fit, from the first on. */
function beginningOf(names: readonly string[]): string[] {
  let bytes = 0;
  return names.filter((name) => {
    bytes += Buffer.byteLength(JSON.stringify(name)) + 1;
    return bytes <= maxListBytes;
  });
}
