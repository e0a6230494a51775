import * as v from 'valibot';

/** A resource that an offboarding has left, as CloudFormation names it. */
const leftSchema = v.object({ type: v.string(), physicalId: v.string() });

/** What was checked of the template, and is deployed: its hash, and where the deployment has a copy. */
export const templateSchema = v.object({ sha256: v.string(), copyUrl: v.string() });

/**
 * What accept-request decided, and every later step reads: names, ARNs and references only. It stands in the execution's
 * history for 90 days, so no secret may enter it.
 */
export const planSchema = v.object({
  subscriber: v.object({ userName: v.string(), emailId: v.string() }),
  executionArn: v.string(),
  /** The secret with the password to give the subscriber; without one, a password is generated. */
  passwordSecretId: v.optional(v.string()),
  /** The secret with the custom token of a subscriber that already exists. */
  customTokenSecretId: v.optional(v.string()),
  /** Whether the subscriber was offboarded before, and may have been deleted in InfinStor since. */
  returning: v.optional(v.boolean()),
  /** What the subscriber had when this execution began; absent when it was not onboarded. */
  onboarded: v.optional(v.object({ stackId: v.string() })),
  /** What earlier offboardings have left; absent when they left nothing. */
  retained: v.optional(v.array(leftSchema)),
  /** The secret that create-subscriber keeps the subscriber's password and custom token in. */
  credentialsSecretId: v.string(),
  stack: v.object({
    name: v.string(),
    accountId: v.string(),
    region: v.string(),
    /** The build of the template; absent in executions that began before it was passed. */
    build: v.optional(v.string()),
    /** Where the vendor has the template. */
    templateUrl: v.string(),
    template: templateSchema,
    serviceRoleArn: v.string(),
    capabilities: v.array(v.picklist(['CAPABILITY_IAM', 'CAPABILITY_NAMED_IAM', 'CAPABILITY_AUTO_EXPAND'])),
    /** Every template parameter but the custom token. */
    parameters: v.record(v.string(), v.string()),
    /** The name of the template parameter that takes the custom token. */
    tokenParameter: v.string(),
    tags: v.record(v.string(), v.string()),
    /** Identifies template and parameters: a stack with another hash is of another request. */
    planHash: v.string(),
    /** How long the wait may last before the stack is looked at again, in seconds. */
    pollSeconds: v.number(),
  }),
  /** The one or two customer managed keys that the new role needs. */
  keyArns: v.array(v.string()),
});

export type Plan = v.InferOutput<typeof planSchema>;

export const roleSchema = v.object({
  roleName: v.string(),
  roleArn: v.string(),
  roleId: v.string(),
  /** Of an upgrade: whether it is another role than the one that the subscriber had. */
  isOther: v.optional(v.boolean()),
  /** What of `plan.retained` belongs to the new stack: it is in use, and must not be listed as left any more. */
  regained: v.optional(v.array(leftSchema)),
});

export type Role = v.InferOutput<typeof roleSchema>;

/** Whether InfinStor knows the subscriber with its stack's role; null: that was not checked. */
export const verificationSchema = v.object({ verified: v.nullable(v.boolean()), reason: v.optional(v.string()) });

export type Verification = v.InferOutput<typeof verificationSchema>;
