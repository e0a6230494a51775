import * as v from 'valibot';

/** What accept-offboarding found, and the later steps of an offboarding read. */
export const offboardingPlanSchema = v.object({
  subscriber: v.object({ userName: v.string() }),
  executionArn: v.string(),
  /** Whether a stack that would take the subscriber's data with it must stay. */
  keepData: v.boolean(),
  stack: v.object({
    name: v.string(),
    /** Absent when nobody knows of any. */
    stackId: v.optional(v.string()),
    accountId: v.string(),
    region: v.string(),
    /** By which the stack is recognised as ours. */
    tags: v.record(v.string(), v.string()),
    /** How long the wait may last before the stack is looked at again, in seconds. */
    pollSeconds: v.number(),
  }),
  /** The roles that go with the stack. */
  roleArns: v.array(v.string()),
  /** The keys that they may have. */
  keyArns: v.array(v.string()),
});
export type OffboardingPlan = v.InferOutput<typeof offboardingPlanSchema>;

/** What withdraw-grants did about a key, and complete-offboarding reports of it. */
export const withdrawnKeySchema = v.object({
  keyArn: v.string(),
  /** Whether the policy was written. */
  changed: v.boolean(),
  /** The patterns of roles that stay in the policy, as they may be another deployment's; absent when there is none. */
  keptPatterns: v.optional(v.array(v.string())),
});
export type WithdrawnKey = v.InferOutput<typeof withdrawnKeySchema>;
