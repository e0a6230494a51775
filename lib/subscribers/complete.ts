import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { Registry } from '../registry/table.ts';
import { type OnboardingEvent, publishEvent } from './events.ts';
import { requireOwn } from './ownership.ts';
import { completeRecord } from './record.ts';

interface Success {
  userName: string;
  executionArn: string;
  event: OnboardingEvent;
  /** What of the subscriber's record it changes. */
  result: Omit<Parameters<typeof completeRecord>[2], 'now'>;
}

/**
 * Publishes that an execution has succeeded, and writes it into the subscriber's record.
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 */
export async function complete(
  { userName, executionArn, event, result }: Success,
  { registry, events, now }: { registry: Registry; events: EventBridgeClient; now: Date },
): Promise<void> {
  const planned = { subscriber: { userName }, executionArn };
  await requireOwn(registry, planned);
  // Before the record, by which the sweep knows what is left to do: an event may come twice, but must not be lost.
  await publishEvent(events, event);
  const isOurs = await completeRecord(registry, { userName, executionArn }, { ...result, now: now.toISOString() });
  if (!isOurs) await requireOwn(registry, planned);
}
