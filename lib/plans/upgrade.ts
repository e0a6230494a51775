import * as v from 'valibot';
import { planSchema } from './onboarding.ts';

/**
 * What accept-upgrade decided, and every later step of an upgrade reads: names, ARNs and references only. It stands in the
 * execution's history for 90 days, so no secret may enter it.
 */
export const upgradePlanSchema = v.object({
  /** As its onboarding spelled it. */
  subscriber: v.object({ userName: v.string() }),
  executionArn: v.string(),
  /** The resources, by logical id or type, that may be replaced or removed. */
  allow: v.array(v.string()),
  /** The secret with the custom token to give the stack; without one, the stack keeps the token that it has. */
  customTokenSecretId: v.optional(v.string()),
  /** The secret that has the subscriber's custom token, for a stack that has none. */
  credentialsSecretId: v.string(),
  stack: v.object({
    ...v.omit(planSchema.entries.stack, ['build']).entries,
    stackId: v.string(),
    build: v.string(),
    /** The template parameters that keep the value that the stack has; `parameters` are the others. */
    kept: v.array(v.string()),
    /** Whether the template nests stacks, whose changes are looked at, too. */
    nestsStacks: v.boolean(),
  }),
  /** The role that the subscriber has. */
  roleArn: v.string(),
  /** The same, for the step that withdraws its grants when another has taken its place. */
  roleArns: v.array(v.string()),
  /** The customer managed keys that the role needs: those of the request, and those that its data may still be encrypted with. */
  keyArns: v.array(v.string()),
});
export type UpgradePlan = v.InferOutput<typeof upgradePlanSchema>;
