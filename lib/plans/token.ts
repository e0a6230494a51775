import * as v from 'valibot';

/** A reference to the superadmin token that obtain-token provided. */
export const tokenSchema = v.object({
  secretId: v.string(),
  versionId: v.string(),
  /** How many tokens InfinStor refused in this execution. */
  rejections: v.number(),
});

export type Token = v.InferOutput<typeof tokenSchema>;
