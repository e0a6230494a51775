import * as v from 'valibot';

/** A reference to the session that obtain-token or obtain-subscriber-token provided. */
export const tokenSchema = v.object({
  secretId: v.string(),
  versionId: v.string(),
  /** Whose it is; absent in executions of earlier releases. */
  userName: v.optional(v.string()),
  /** How many tokens InfinStor refused in this execution. */
  rejections: v.number(),
});

export type Token = v.InferOutput<typeof tokenSchema>;
