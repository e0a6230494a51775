import type { Registry } from '../registry/table.ts';
import { type EventBus, publishSuccess, type Success } from './events.ts';
import { requireOwn } from './ownership.ts';
import { completeRecord } from './record.ts';

interface Completed {
  userName: string;
  executionArn: string;
  event: Success;
  /** What of the subscriber's record it changes. */
  result: Omit<Parameters<typeof completeRecord>[2], 'now'>;
}

/**
 * Publishes that an execution has succeeded, and writes it into the subscriber's record.
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 */
export async function complete(
  { userName, executionArn, event, result }: Completed,
  { registry, events, now }: { registry: Registry; events: EventBus; now: Date },
): Promise<void> {
  const planned = { subscriber: { userName }, executionArn };
  const record = await requireOwn(registry, planned);
  // Before the record, by which the sweep knows what is left to do: an event may come twice, but must not be lost.
  await publishSuccess(events, record, event);
  const isOurs = await completeRecord(registry, { userName, executionArn }, { ...result, now: now.toISOString() });
  if (!isOurs) await requireOwn(registry, planned);
}
