import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import * as v from 'valibot';
import { updatePlanSchema } from '../plans/update.ts';
import { userResultSchema } from '../plans/users.ts';
import { keptPatternSchema, retainedSchema } from './record.ts';

/** The source of the project's own events. */
const source = 'infinstor.onboarding';

const names = v.array(v.string());
const execution = { executionArn: v.string() };
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
export type EventDetail<Type extends DetailType> = v.InferInput<(typeof eventSchemas)[Type]>;
export type OnboardingEvent = {
  [Type in DetailType]: { detailType: Type; detail: EventDetail<Type> };
}[DetailType];

/**
 * Publishes one of the project's events on the default bus. A repeated step publishes again: consumers get each event at
 * least once.
 * @throws Error when EventBridge does not take the event, which PutEvents reports in its answer
 */
export async function publishEvent(events: EventBridgeClient, { detailType, detail }: OnboardingEvent): Promise<void> {
  const { FailedEntryCount = 0, Entries = [] } = await events.send(
    new PutEventsCommand({ Entries: [{ Source: source, DetailType: detailType, Detail: JSON.stringify(detail) }] }),
  );
  if (FailedEntryCount > 0)
    throw new Error(`EventBridge did not take ${detailType}: ${Entries[0]?.ErrorCode ?? 'no reason given'}`);
}
