import * as v from 'valibot';

/** What a secret with a token holds: the superadmin's, which obtain-token writes, and each subscriber's, obtain-subscriber-token's. */
export const tokenSecretSchema = v.object({
  idToken: v.string(),
  refreshToken: v.string(),
  /** When the login was, in ISO 8601. What is refreshed later is not stored. */
  obtainedAt: v.string(),
  /** The version of the secret with the password that it was made with; absent in secrets of earlier releases. */
  passwordVersionId: v.optional(v.string()),
});
export type TokenSecret = v.InferOutput<typeof tokenSecretSchema>;
