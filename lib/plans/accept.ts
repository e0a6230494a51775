import * as v from 'valibot';

/** What the first state of each machine gets; `request` is the machine's input, which may have `origin` beside the request (origin.ts). */
export const acceptInputSchema = v.object({
  request: v.unknown(),
  executionArn: v.string(),
  /** When the execution was started, in ISO 8601; absent in executions from before it was passed, which may still be redriven. */
  startedAt: v.optional(v.pipe(v.string(), v.isoTimestamp())),
});

export type AcceptInput = v.InferOutput<typeof acceptInputSchema>;
