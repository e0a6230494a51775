import * as v from 'valibot';

const retrierSchema = v.object({
  ErrorEquals: v.array(v.string()),
  IntervalSeconds: v.optional(v.number(), 1),
  BackoffRate: v.optional(v.number(), 2),
  MaxAttempts: v.optional(v.number(), 3),
  MaxDelaySeconds: v.optional(v.number()),
  JitterStrategy: v.optional(v.picklist(['FULL', 'NONE']), 'NONE'),
});
export type Retrier = v.InferOutput<typeof retrierSchema>;

const catcherSchema = v.object({
  ErrorEquals: v.array(v.string()),
  ResultPath: v.optional(v.nullable(v.string())),
  Next: v.string(),
});
export type Catcher = v.InferOutput<typeof catcherSchema>;

const stateSchema = v.looseObject({
  Type: v.picklist(['Task', 'Pass', 'Choice', 'Wait', 'Succeed', 'Fail', 'Map', 'Parallel']),
  Next: v.optional(v.string()),
  End: v.optional(v.boolean()),
  Resource: v.optional(v.string()),
  TimeoutSeconds: v.optional(v.number()),
  TimeoutSecondsPath: v.optional(v.string()),
  Retry: v.optional(v.array(retrierSchema), []),
  Catch: v.optional(v.array(catcherSchema), []),
});
export type State = v.InferOutput<typeof stateSchema>;

const definitionSchema = v.looseObject({
  StartAt: v.string(),
  TimeoutSeconds: v.optional(v.number()),
  States: v.record(v.string(), stateSchema),
});
export type Definition = v.InferOutput<typeof definitionSchema>;

/**
 * Parses a definition in the Amazon States Language.
 * @throws Error for what the engine would get wrong without a word
 */
export function parseDefinition(definition: string): Definition {
  const parsed = v.parse(definitionSchema, JSON.parse(definition));
  // The engine evaluates one state at a time and fills these two from that state instead of the execution.
  const unsupported = /\$\$\.Execution\.(?:Input|StartTime)/.exec(definition);
  if (unsupported) throw new Error(`The sandbox's engine does not have ${unsupported[0]}`);
  for (const [name, { Type }] of Object.entries(parsed.States)) {
    if (Type === 'Map' || Type === 'Parallel' || Type === 'Wait') {
      throw new Error(`The sandbox's engine does not have ${Type} states (${name})`);
    }
  }
  return parsed;
}
