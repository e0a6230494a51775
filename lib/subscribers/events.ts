import { createHash } from 'node:crypto';
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type * as v from 'valibot';
import { type Origin, unknownRequester } from '../plans/origin.ts';
import type { DetailType, EventDetail, execution } from './event-schemas.ts';
import type { Attempt, SubscriberRecord } from './record.ts';

/** The source of the project's own events. */
export const source = 'infinstor.onboarding';

const schemaVersion: v.InferInput<typeof execution.schemaVersion> = 1;

type SuccessType =
  | 'SubscriberOnboarded'
  | 'SubscriberUpdated'
  | 'SubscriberUpgraded'
  | 'UsersAdded'
  | 'SubscriberOffboarded';
/** What came of an execution; which one it was, and who asked for it, is in the subscriber's record. */
export type Success = {
  [Type in SuccessType]: { detailType: Type; detail: Omit<EventDetail<Type>, keyof typeof execution> };
}[SuccessType];
type FailureType = Exclude<DetailType, SuccessType | 'KeyPolicyDrift' | 'QuotaNearlyExhausted'>;

/** The bus that the deployment publishes on. */
export interface EventBus {
  client: EventBridgeClient;
  name: string;
}

/**
 * Publishes what came of the execution that a record belongs to. A repeat publishes the same event again, with the same `eventKey`: consumers
 * get each at least once. A redrive after a failure publishes another one, or those who drop what they have seen would be left with the failure.
 * @param isOver false: the execution fails afterwards, as it also does when it is redriven
 * @throws Error when EventBridge does not take the event
 */
export async function publishSuccess(
  bus: EventBus,
  { executionArn, attempts, failedAt }: Pick<SubscriberRecord, 'executionArn' | 'attempts' | 'failedAt'>,
  { detailType, detail }: Success,
  isOver = true,
): Promise<void> {
  const own = attempts.findLast((attempt) => attempt.executionArn === executionArn);
  const about = { executionArn, ...requesterOf(own) };
  await publish(bus, detailType, { ...detail, ...about }, [executionArn, ...(isOver && failedAt ? [failedAt] : [])]);
}

/**
 * Publishes that an execution has failed.
 * @param origin who asked for it; undefined: it was started directly
 * @param endedAt when it failed: redriven, it may fail again
 * @throws Error when EventBridge does not take the event
 */
export async function publishFailure(
  bus: EventBus,
  detailType: FailureType,
  {
    detail,
    origin,
    endedAt,
  }: {
    detail: Omit<EventDetail<FailureType>, keyof Origin>;
    origin: Origin | undefined;
    endedAt: string | undefined;
  },
): Promise<void> {
  await publish(bus, detailType, { ...detail, ...requesterOf(origin) }, [detail.executionArn, endedAt ?? '']);
}

/**
 * Publishes that a key's policy is not as it is to be.
 * @param trigger the id of the event for which the key was looked at: with a repeat of that event it is the same
 * @throws Error when EventBridge does not take the event
 */
export async function publishDrift(bus: EventBus, detail: EventDetail<'KeyPolicyDrift'>, trigger: string) {
  await publish(bus, 'KeyPolicyDrift', detail, [detail.keyArn, trigger]);
}

/**
 * Publishes that little is left of a quota of AWS: on one day each time the same event.
 * @throws Error when EventBridge does not take the event
 */
export async function publishQuota(bus: EventBus, detail: EventDetail<'QuotaNearlyExhausted'>, day: string) {
  await publish(bus, 'QuotaNearlyExhausted', detail, [detail.accountId, detail.region ?? '', detail.quotaCode, day]);
}

/** @param outcome what makes the event one of its own, beside its type: the same whenever it is published again */
async function publish({ client, name }: EventBus, DetailType: DetailType, detail: object, outcome: readonly string[]) {
  const eventKey = createHash('sha256')
    .update(JSON.stringify([DetailType, ...outcome]))
    .digest('hex');
  const Detail = JSON.stringify({ schemaVersion, eventKey, ...detail });
  const { FailedEntryCount = 0, Entries = [] } = await client.send(
    new PutEventsCommand({ Entries: [{ EventBusName: name, Source: source, DetailType, Detail }] }),
  );
  // A bad entry fails alone: the call succeeds.
  if (FailedEntryCount > 0)
    throw new Error(`EventBridge did not take ${DetailType}: ${Entries[0]?.ErrorCode ?? 'no reason given'}`);
}

const requesterOf = ({
  requestedBy = unknownRequester,
  correlationId,
}: Partial<Pick<Attempt, 'requestedBy' | 'correlationId'>> = {}) => ({
  requestedBy,
  ...(correlationId !== undefined && { correlationId }),
});
