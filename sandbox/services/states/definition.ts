import * as v from 'valibot';

/** A Lambda function that is handed a task token. */
export const waitResource = 'arn:aws:states:::lambda:invoke.waitForTaskToken';

// What a missed heartbeat would be called for it is not known here: its recorded events say States.Timeout.
const errorNames = v.array(v.pipe(v.string(), v.notValue('States.HeartbeatTimeout')));

const retrierSchema = v.strictObject({
  Comment: v.optional(v.string()),
  ErrorEquals: errorNames,
  IntervalSeconds: v.optional(v.number(), 1),
  BackoffRate: v.optional(v.number(), 2),
  MaxAttempts: v.optional(v.number(), 3),
  MaxDelaySeconds: v.optional(v.number()),
  JitterStrategy: v.optional(v.picklist(['FULL', 'NONE']), 'NONE'),
});
export type Retrier = v.InferOutput<typeof retrierSchema>;

const catcherSchema = v.strictObject({
  Comment: v.optional(v.string()),
  ErrorEquals: errorNames,
  ResultPath: v.optional(v.nullable(v.string())),
  Next: v.string(),
});
export type Catcher = v.InferOutput<typeof catcherSchema>;

// What the engine evaluates it finds in the state as it was written; fields and types that are not here it would get wrong
// without a word, or not have at all.
const common = { Comment: v.optional(v.string()), QueryLanguage: v.optional(v.literal('JSONPath')) };
const fields = v.strictObject({
  ...common,
  Type: v.picklist(['Task', 'Pass', 'Choice', 'Succeed', 'Fail']),
  Next: v.optional(v.string()),
  End: v.optional(v.boolean()),
  // A Lambda function, or one that is handed a task token.
  Resource: v.optional(v.pipe(v.string(), v.regex(/^(?!arn:aws:states:)|:lambda:invoke\.waitForTaskToken$/))),
  InputPath: v.optional(v.unknown()),
  Parameters: v.optional(v.unknown()),
  // The engine takes a false value for a missing one.
  Result: v.optional(v.pipe(v.unknown(), v.check(Boolean))),
  ResultSelector: v.optional(v.unknown()),
  ResultPath: v.optional(v.nullable(v.string())),
  OutputPath: v.optional(v.unknown()),
  Choices: v.optional(v.unknown()),
  Default: v.optional(v.string()),
  Error: v.optional(v.string()),
  Cause: v.optional(v.string()),
  TimeoutSeconds: v.optional(v.number()),
  TimeoutSecondsPath: v.optional(v.string()),
  HeartbeatSeconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  Retry: v.optional(v.array(retrierSchema), []),
  Catch: v.optional(v.array(catcherSchema), []),
});
const stateSchema = v.pipe(
  fields,
  // A function that is called and answers sends no heartbeats.
  v.check(
    ({ HeartbeatSeconds, Resource }) => HeartbeatSeconds === undefined || Resource === waitResource,
    'HeartbeatSeconds without a task token',
  ),
);
export type State = v.InferOutput<typeof stateSchema>;

const definitionSchema = v.strictObject({
  ...common,
  Version: v.optional(v.string()),
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
  const parsed = v.safeParse(definitionSchema, JSON.parse(definition));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new Error(`The sandbox's engine does not have ${v.getDotPath(issue)}: ${issue.message}`);
  }
  // What an execution fills in of the context object; the engine would read the rest from its own.
  const unsupported =
    /\$\$\.(?!(?:Execution\.(?:Id|Name|StartTime)|State\.(?:Name|EnteredTime|RetryCount)|StateMachine\.(?:Id|Name)|Task\.Token)\b)[\w.]*/.exec(
      definition,
    );
  if (unsupported) throw new Error(`The sandbox's engine does not have ${unsupported[0]}`);
  return parsed.output;
}
