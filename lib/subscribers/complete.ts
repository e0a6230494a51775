import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { OnboardingInProgress } from '../errors.ts';
import type { Registry } from '../registry/table.ts';
import { type OnboardingEvent, publishEvent } from './events.ts';
import { completeRecord, readRecord, type SubscriberRecord } from './record.ts';

interface Success {
  userName: string;
  executionArn: string;
  event: OnboardingEvent;
  /** What of the subscriber's record it changes. */
  result: Omit<Parameters<typeof completeRecord>[2], 'now'>;
}

/**
 * Publishes that an execution has succeeded, and writes it into the subscriber's record.
 * @throws OnboardingInProgress when another execution has taken the subscriber over
 */
export async function complete(
  { userName, executionArn, event, result }: Success,
  { registry, events, now }: { registry: Registry; events: EventBridgeClient; now: Date },
): Promise<void> {
  const claim = { userName, executionArn };
  await requireOwn(registry, claim);
  // Before the record, by which the sweep knows what is left to do: an event may come twice, but must not be lost.
  await publishEvent(events, event);
  const isOurs = await completeRecord(registry, claim, { ...result, now: now.toISOString() });
  if (!isOurs) await requireOwn(registry, claim);
}

/**
 * The subscriber's record, as this execution's own.
 * @throws OnboardingInProgress when it belongs to another execution
 */
export async function requireOwn(
  registry: Registry,
  { userName, executionArn }: { userName: string; executionArn: string },
): Promise<SubscriberRecord> {
  const record = await readRecord(registry, userName);
  if (record?.executionArn === executionArn) return record;
  throw new OnboardingInProgress(userName, record?.executionArn ?? 'another execution');
}
