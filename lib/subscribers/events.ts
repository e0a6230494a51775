import { createHash } from 'node:crypto';
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import * as v from 'valibot';
import { type Origin, unknownRequester } from '../plans/origin.ts';
import { updatePlanSchema } from '../plans/update.ts';
import { userResultSchema } from '../plans/users.ts';
import { type Attempt, keptPatternSchema, retainedSchema, type SubscriberRecord } from './record.ts';

/** The source of the project's own events. */
export const source = 'infinstor.onboarding';

/** Fields may be added in this version; what is there keeps its name and meaning. */
const schemaVersion = 1;

const common = {
  schemaVersion: v.literal(schemaVersion),
  /** The same in each repeat of an event, and in no other event. An ARN would be too long for the MessageDeduplicationId of SQS. */
  eventKey: v.pipe(
    v.string(),
    v.regex(/^[0-9a-f]{64}$/),
    v.description('The same in each repeat of this event, and in no other: to drop what was seen already'),
  ),
};
const names = v.array(v.string());
const execution = {
  ...common,
  executionArn: v.string(),
  /** Who asked for it, as the door found; `unknown` when it was started directly. */
  requestedBy: v.string(),
  /** By what the caller finds its own request again; absent when it was started directly. */
  correlationId: v.optional(v.string()),
};
const subscriber = { userName: v.string(), ...execution };
const failure = v.strictObject({
  /** Absent when the request names none. */
  userName: v.optional(v.string()),
  ...execution,
  /** The ASL error name. */
  name: v.string(),
  step: v.string(),
  message: v.string(),
  remedy: v.string(),
});

/** The `detail` of each event, by its detail type. */
export const eventSchemas = {
  SubscriberOnboarded: v.strictObject({
    ...subscriber,
    stackId: v.string(),
    roleArn: v.string(),
    keyArns: names,
    /** Empty when a repeated request found everything as it wants it. */
    changed: v.array(v.picklist(['subscriber', 'stack', 'keyPolicies'])),
    /** Whether InfinStor knows the subscriber with this role; null: that was not checked. */
    verified: v.nullable(v.boolean()),
    /** Why it is not verified. */
    verification: v.optional(v.string()),
  }),
  SubscriberUpdated: v.strictObject({ ...subscriber, changed: updatePlanSchema.entries.changed }),
  UsersAdded: v.strictObject({ ...subscriber, users: v.array(userResultSchema) }),
  SubscriberOffboarded: v.strictObject({
    ...subscriber,
    /** Null when the subscriber had no stack. */
    stackId: v.nullable(v.string()),
    keyArns: names,
    keptPatterns: v.array(keptPatternSchema),
    retained: v.array(retainedSchema),
    secrets: names,
    byHand: names,
  }),
  SubscriberOnboardingFailed: failure,
  SubscriberUpdateFailed: failure,
  AddingUsersFailed: failure,
  SubscriberOffboardingFailed: failure,
  KeyPolicyDrift: v.strictObject({
    ...common,
    keyArn: v.string(),
    missingRoles: names,
    unexpectedRoles: names,
    orphanedIds: names,
    lostStatements: names,
    reason: v.nullable(v.strictObject({ name: v.string(), message: v.string() })),
    /** How many names of the lists are left out, because an event has 256 KB. */
    omitted: v.number(),
    /** `partly` when some roles did not get the key, or a pattern of roles stays because the key may be shared. */
    repaired: v.picklist(['no', 'yes', 'partly', 'failed']),
    /** Who wrote the policy; null when a scheduled check found the drift. */
    by: v.nullable(v.string()),
  }),
} as const;

type DetailType = keyof typeof eventSchemas;
type Added = 'schemaVersion' | 'eventKey';
/** What the event of a type says, beside what it has in common with the others. */
export type EventDetail<Type extends DetailType> = Omit<v.InferInput<(typeof eventSchemas)[Type]>, Added>;

type SuccessType = 'SubscriberOnboarded' | 'SubscriberUpdated' | 'UsersAdded' | 'SubscriberOffboarded';
/** What came of an execution; which one it was, and who asked for it, is in the subscriber's record. */
export type Success = {
  [Type in SuccessType]: { detailType: Type; detail: Omit<EventDetail<Type>, keyof typeof execution> };
}[SuccessType];
type FailureType = Exclude<DetailType, SuccessType | 'KeyPolicyDrift'>;

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
