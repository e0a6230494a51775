import { UsersNotAdded } from '../../lib/errors.ts';
import type { Progress, UserResult, UsersPlan } from '../../lib/plans/users.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { complete } from '../../lib/subscribers/complete.ts';
import { type EventBus, publishSuccess } from '../../lib/subscribers/events.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { recordUsers } from '../../lib/subscribers/record.ts';
import { shortened } from '../../lib/subscribers/shortened.ts';

/** The output of the execution. */
export interface UsersAdded {
  userName: string;
  users: UserResult[];
}

/**
 * Publishes `UsersAdded` and writes the users who were added into the subscriber's record. When all were, it marks the subscriber as active
 * again; otherwise the execution fails, and the recording of the failure does.
 * @throws UsersNotAdded when a user was not added, naming these and those who were
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 */
export async function completeUsers(
  { plan, progress: { results } }: { plan: Pick<UsersPlan, 'subscriber' | 'executionArn'>; progress: Progress },
  clients: { registry: Registry; events: EventBus; now: Date },
): Promise<UsersAdded> {
  const { executionArn, subscriber } = plan;
  const { userName } = subscriber;
  const { registry, events, now } = clients;
  const output = { userName, users: results };
  const isAdded = ({ outcome }: UserResult) => outcome === 'added';
  const added = results.filter(isAdded).map((result) => result.userName);
  const record = await requireOwn(registry, plan);
  const users = together(record.users, added);
  const event = { detailType: 'UsersAdded', detail: output } as const;
  if (results.every(isAdded)) {
    await complete({ userName, executionArn, event, result: { users } }, clients);
    return output;
  }
  if (added.length > 0) {
    await publishSuccess(events, record, event, false);
    const isOurs = await recordUsers(registry, { userName, executionArn }, { users, now: now.toISOString() });
    if (!isOurs) await requireOwn(registry, plan);
  }
  const refused = results.filter((result) => !isAdded(result));
  const reasons = refused.map((result) => reasonOf(result, shareOf(refused.length)));
  throw new UsersNotAdded(
    `${reasons.length} of ${results.length} users of ${userName} were not added: ${reasons.join('; ')}${added.length === 0 ? '' : `; added: ${added.join(', ')}`}`,
  );
}

/** Cut, since the subscriber's record keeps the messages of many attempts. */
function reasonOf({ userName, error }: UserResult, maxBytes: number): string {
  return `${userName}: ${error?.name} (${shortened(error?.message ?? '', maxBytes)})`;
}

/** How much of its reason each of so many users has: of a few as much as says what to do, and of 25 together no more than 3,000 bytes. */
const shareOf = (count: number) => Math.min(480, Math.floor(3000 / count));

/** The names of users who were added before, and of those who are new. */
function together(before: readonly string[] = [], added: readonly string[]): string[] {
  const isKnown = (name: string) => before.some((known) => known.toLowerCase() === name.toLowerCase());
  return [...before, ...added.filter((name) => !isKnown(name))];
}
