import * as v from 'valibot';

const failureSchema = v.object({ name: v.string(), step: v.optional(v.string()), message: v.string() });

export const statusSchema = v.looseObject({
  userName: v.string(),
  status: v.string(),
  operation: v.string(),
  executionArn: v.string(),
  requestedBy: v.optional(v.string()),
  correlationId: v.optional(v.string()),
  step: v.optional(v.string()),
  error: v.optional(v.object({ ...failureSchema.entries, remedy: v.string() })),
  credentialsSecretId: v.optional(v.string()),
  customTokenExpiresAt: v.optional(v.string()),
  home: v.optional(v.object({ accountId: v.string(), region: v.string() })),
  stackId: v.optional(v.string()),
  build: v.optional(v.string()),
  roleArn: v.optional(v.string()),
  keyArns: v.optional(v.array(v.string())),
  users: v.optional(v.array(v.string())),
  retained: v.optional(v.array(v.object({ type: v.string(), physicalId: v.string() }))),
  pausedLogins: v.optional(
    v.array(v.object({ userName: v.string(), until: v.optional(v.string()), reason: v.string() })),
  ),
  attempts: v.array(
    v.object({
      executionArn: v.string(),
      operation: v.string(),
      startedAt: v.string(),
      endedAt: v.optional(v.string()),
      status: v.string(),
      error: v.optional(failureSchema),
      requestedBy: v.optional(v.string()),
      correlationId: v.optional(v.string()),
    }),
  ),
});

/** How a subscriber stands, as `GET /subscribers/{userName}` returns it. */
export type SubscriberStatus = v.InferOutput<typeof statusSchema>;
