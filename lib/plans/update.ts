import * as v from 'valibot';

const fieldSchema = v.picklist(['emailId', 'password']);

/**
 * What accept-update decided, and every later step of an update reads: names, ARNs and references only. It stands in the execution's
 * history for 90 days, so no secret may enter it.
 */
export const updatePlanSchema = v.object({
  subscriber: v.object({
    /** As its onboarding spelled it. */
    userName: v.string(),
    /** The one to have from now on; absent when it stays, and is not known. */
    emailId: v.optional(v.string()),
  }),
  executionArn: v.string(),
  /** The secret with the new password; without one, the password stays. */
  passwordSecretId: v.optional(v.string()),
  /** The secret with the subscriber's password and custom token. */
  credentialsSecretId: v.string(),
  /** What the request changes. */
  changed: v.array(fieldSchema),
  /** What update_subscriber gets besides the user's name. */
  sent: v.array(fieldSchema),
});
export type UpdatePlan = v.InferOutput<typeof updatePlanSchema>;
