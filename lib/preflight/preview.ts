import * as v from 'valibot';
import { operationSchema } from '../subscribers/operations.ts';

/** Something that a request would change, or decide, in the state of this name. */
const changeSchema = v.object({
  step: v.string(),
  kind: v.picklist(['subscriber', 'user', 'secret', 'stack', 'resource', 'key-policy']),
  /** `retain`: it stays, though what it belongs to goes; `decide`: what is done about it is found out only then. */
  action: v.picklist(['create', 'update', 'delete', 'restore', 'retain', 'decide']),
  /** Its name or ARN. */
  what: v.string(),
  detail: v.optional(v.string()),
});
export type Change = v.InferOutput<typeof changeSchema>;

const keyPolicyChangeSchema = v.object({
  keyArn: v.string(),
  changed: v.boolean(),
  /** The policy in force, and the one that is written in its place; what means the same in any order is sorted. */
  before: v.unknown(),
  after: v.unknown(),
  diff: v.array(v.object({ kind: v.picklist(['same', 'removed', 'added', 'gap']), text: v.string() })),
  freeBytesAfter: v.number(),
});
export type KeyPolicyChange = v.InferOutput<typeof keyPolicyChangeSchema>;

const stackPreviewSchema = v.object({
  name: v.string(),
  accountId: v.string(),
  region: v.string(),
  templateUrl: v.optional(v.string()),
  templateSha256: v.optional(v.string()),
  /** Values that the template hides are `****`. */
  parameters: v.optional(v.record(v.string(), v.string())),
  tags: v.optional(v.record(v.string(), v.string())),
});
export type StackPreview = v.InferOutput<typeof stackPreviewSchema>;

const costSchema = v.object({
  currency: v.literal('USD'),
  /** Of the execution. */
  once: v.number(),
  /** By how much each month costs more from then on, or less. */
  monthly: v.number(),
  assumptions: v.array(v.string()),
});
export type Cost = v.InferOutput<typeof costSchema>;

/** What a request would do, as plan-request answers it. */
export const previewSchema = v.object({
  planSchemaVersion: v.literal(1),
  operation: operationSchema,
  userName: v.string(),
  /** Of what was seen and would be done: the same as long as that is the same. */
  hash: v.string(),
  /** Whether nothing but the registry's list of attempts would change. */
  converges: v.boolean(),
  /** In the order of the machine's states. */
  changes: v.array(changeSchema),
  stack: v.optional(stackPreviewSchema),
  keyPolicies: v.array(keyPolicyChangeSchema),
  cost: costSchema,
  warnings: v.array(v.string()),
});
export type Preview = v.InferOutput<typeof previewSchema>;

/** A fault of a request, or of the world that it is for. */
const previewFaultSchema = v.object({
  name: v.string(),
  /** The place in the request (RFC 6901), and its name; absent for what is wrong elsewhere. */
  pointer: v.optional(v.string()),
  field: v.optional(v.string()),
  rule: v.string(),
  remedy: v.string(),
});
export type PreviewFault = v.InferOutput<typeof previewFaultSchema>;
