import * as v from 'valibot';

/** What the superadmin-token secret holds: obtain-token writes it, create-subscriber reads it. */
export const superadminTokenSchema = v.object({
  idToken: v.string(),
  refreshToken: v.string(),
  /** ISO 8601 */
  obtainedAt: v.string(),
});
export type SuperadminToken = v.InferOutput<typeof superadminTokenSchema>;
