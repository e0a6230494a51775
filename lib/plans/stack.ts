import * as v from 'valibot';
import { plannedSchema } from './planned.ts';

/** Where the stack is: all that a step needs of it which only works there. */
const placeSchema = v.object({ accountId: v.string(), region: v.string() });

/** What every step that works beside a stack needs of a machine's plan: where that is. */
export const homePlanSchema = v.object({ ...plannedSchema.entries, stack: placeSchema });

/** What the wait for a stack needs of a machine's plan. */
export const waitPlanSchema = v.object({
  ...plannedSchema.entries,
  stack: v.object({ ...placeSchema.entries, pollSeconds: v.number() }),
});

export type WaitPlan = v.InferOutput<typeof waitPlanSchema>;

/** The stack as deploy-stack or delete-stack left it, and what the wait is for. */
export const stackSchema = v.object({
  stackId: v.string(),
  /**
   * `created`: this attempt's stack; `updated`: this execution's update of it; `deleted`: a stack of ours is being removed, or gone;
   * `settled`: another operation runs on it.
   */
  goal: v.picklist(['created', 'updated', 'deleted', 'settled']),
  /** When waiting for the stack ends in StackTimedOut, in ISO 8601. */
  deadline: v.string(),
});

export type Stack = v.InferOutput<typeof stackSchema>;

/** The stack as prepare-change-set or execute-change-set left it. */
export const changedStackSchema = v.object({
  ...stackSchema.entries,
  /** Whether there is a change set that is still to be executed. */
  hasChanges: v.boolean(),
  /** The change set that was looked at; absent where the stack is as it is to be already. */
  changeSetId: v.optional(v.string()),
  /** Whether a key's policy was written before it is executed. */
  hasGranted: v.optional(v.boolean(), false),
  /** What it replaces or removes, as the request allows: such as `ArtifactsBucket (AWS::S3::Bucket)`. */
  replaced: v.array(v.string()),
});

export type ChangedStack = v.InferOutput<typeof changedStackSchema>;
