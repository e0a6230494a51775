import * as v from 'valibot';
import { tokenSchema } from './token.ts';

/**
 * What accept-users decided, and every later step of the machine `add-user` reads: names, ARNs and references only. It stands in the
 * execution's history for 90 days, so no secret may enter it.
 */
export const usersPlanSchema = v.object({
  /** As its onboarding spelled it. */
  subscriber: v.object({ userName: v.string() }),
  executionArn: v.string(),
  /** The secret with the subscriber's password. */
  credentialsSecretId: v.string(),
  /** The secret that the subscriber's token is kept in. */
  tokenSecretId: v.string(),
  users: v.array(
    v.object({
      userName: v.string(),
      emailId: v.string(),
      /** The secret with the password to give the user; without one, a password is generated. */
      passwordSecretId: v.optional(v.string()),
      /** The secret that the user's password is kept in. */
      credentialsSecretId: v.string(),
    }),
  ),
});
export type UsersPlan = v.InferOutput<typeof usersPlanSchema>;

/** A reference to a token of the subscriber, and the user whose addition it is for: rejections are counted for each anew. */
export const subscriberTokenSchema = v.object({ ...tokenSchema.entries, userIndex: v.number() });
export type SubscriberToken = v.InferOutput<typeof subscriberTokenSchema>;

/** What came of one user. */
export const userResultSchema = v.object({
  userName: v.string(),
  /** `exists`: InfinStor has a user of this name, whose password is not the one that is known here. */
  outcome: v.picklist(['added', 'exists', 'rejected']),
  /** The secret with the password of a user who was added. */
  credentialsSecretId: v.optional(v.string()),
  /** Why a user was not added. */
  error: v.optional(v.object({ name: v.string(), message: v.string(), remedy: v.string() })),
});
export type UserResult = v.InferOutput<typeof userResultSchema>;

/** How far the users are. */
export const progressSchema = v.object({
  /** The index of the user whose turn is next. */
  next: v.number(),
  hasMore: v.boolean(),
  results: v.array(userResultSchema),
});
export type Progress = v.InferOutput<typeof progressSchema>;
