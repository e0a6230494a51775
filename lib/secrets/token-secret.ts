import * as v from 'valibot';

/** What a secret with a token holds: the superadmin's, which obtain-token writes, and each subscriber's, obtain-subscriber-token's. */
export const tokenSecretSchema = v.object({
  idToken: v.string(),
  refreshToken: v.string(),
  /** ISO 8601 */
  obtainedAt: v.string(),
});
export type TokenSecret = v.InferOutput<typeof tokenSecretSchema>;
