import * as v from 'valibot';
import { plannedSchema } from './planned.ts';

/** Where the stack is: all that a step needs of it which only works there. */
export const placeSchema = v.object({ accountId: v.string(), region: v.string() });

/** What the wait for a stack needs of a machine's plan. */
export const waitPlanSchema = v.object({
  ...plannedSchema.entries,
  stack: v.object({ ...placeSchema.entries, pollSeconds: v.number() }),
});

export type WaitPlan = v.InferOutput<typeof waitPlanSchema>;

/** The stack as deploy-stack or delete-stack left it, and what the wait is for. */
export const stackSchema = v.object({
  stackId: v.string(),
  /** `created`: this attempt's stack; `deleted`: a stack of ours is being removed, or gone; `settled`: another operation runs on it. */
  goal: v.picklist(['created', 'deleted', 'settled']),
  /** When waiting for the stack ends in StackTimedOut, in ISO 8601. */
  deadline: v.string(),
});

export type Stack = v.InferOutput<typeof stackSchema>;
