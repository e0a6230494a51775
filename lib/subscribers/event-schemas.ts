import * as v from 'valibot';
import { updatePlanSchema } from '../plans/update.ts';
import { userResultSchema } from '../plans/users.ts';
import { keptPatternSchema, retainedSchema } from './record.ts';

// Of the functions none parses an event of its own: they take the types alone, so that no bundle has the schemas.

const common = {
  /** Fields may be added in this version; what is there keeps its name and meaning. */
  schemaVersion: v.literal(1),
  /** The same in each repeat of an event, and in no other event. An ARN would be too long for the MessageDeduplicationId of SQS. */
  eventKey: v.pipe(
    v.string(),
    v.regex(/^[0-9a-f]{64}$/),
    v.description('The same in each repeat of this event, and in no other: to drop what was seen already'),
  ),
};
const names = v.array(v.string());
/** What every event of an execution says. */
export const execution = {
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
  SubscriberUpgraded: v.strictObject({
    ...subscriber,
    stackId: v.string(),
    roleArn: v.string(),
    keyArns: names,
    build: v.string(),
    templateSha256: v.string(),
    /** Empty when a repeated request found everything as it wants it. */
    changed: v.array(v.picklist(['stack', 'keyPolicies'])),
    /** What was replaced or removed, as the request allowed: such as `ArtifactsBucket (AWS::S3::Bucket)`. */
    replaced: names,
  }),
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
  SubscriberUpgradeFailed: failure,
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
  QuotaNearlyExhausted: v.strictObject({
    ...common,
    accountId: v.string(),
    /** Null when the quota is the account's in all Regions. */
    region: v.nullable(v.string()),
    quota: v.string(),
    /** By which Service Quotas knows it. */
    quotaCode: v.string(),
    used: v.number(),
    limit: v.number(),
    percentUsed: v.number(),
    /** How many subscribers' stacks fit, by this quota. */
    subscribersThatFit: v.number(),
    /** What to ask AWS for. */
    askFor: v.string(),
  }),
} as const;

export type DetailType = keyof typeof eventSchemas;
type Added = 'schemaVersion' | 'eventKey';
/** What the event of a type says, beside what it has in common with the others. */
export type EventDetail<Type extends DetailType> = Omit<v.InferInput<(typeof eventSchemas)[Type]>, Added>;
