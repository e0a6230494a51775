import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Operation, operations } from './operations.ts';

/** The source of the project's own events. */
const source = 'infinstor.onboarding';

export type DetailType =
  | 'SubscriberOnboarded'
  | 'SubscriberUpdated'
  | 'UsersAdded'
  | 'SubscriberOffboarded'
  | (typeof operations)[Operation]['failedEvent']
  | 'KeyPolicyDrift';

/**
 * Publishes one of the project's events on the default bus. A repeated step publishes again: consumers get each event at
 * least once.
 * @throws Error when EventBridge does not take the event, which PutEvents reports in its answer
 */
export async function publishEvent(
  events: EventBridgeClient,
  detailType: DetailType,
  detail: Record<string, unknown>,
): Promise<void> {
  const { FailedEntryCount = 0, Entries = [] } = await events.send(
    new PutEventsCommand({ Entries: [{ Source: source, DetailType: detailType, Detail: JSON.stringify(detail) }] }),
  );
  if (FailedEntryCount > 0)
    throw new Error(`EventBridge did not take ${detailType}: ${Entries[0]?.ErrorCode ?? 'no reason given'}`);
}
