import * as v from 'valibot';

const edge = { ErrorEquals: v.pipe(v.array(v.string()), v.minLength(1)) };
const stateSchema = v.object({
  Type: v.string(),
  Resource: v.optional(v.string(), ''),
  Parameters: v.optional(v.unknown()),
  Next: v.optional(v.string()),
  Default: v.optional(v.string()),
  Choices: v.optional(v.array(v.object({ Next: v.string() })), []),
  Retry: v.optional(v.array(v.object({ ...edge, MaxAttempts: v.number() })), []),
  Catch: v.optional(v.array(v.object({ ...edge, Next: v.string() })), []),
});
const definitionSchema = v.pipe(v.string(), v.parseJson(), v.object({ States: v.record(v.string(), stateSchema) }));

export type State = v.InferOutput<typeof stateSchema>;

/** The states of a definition, as far as runs of them are made up. @throws Error for a definition in another form */
export const statesOf = (definition: string): Map<string, State> =>
  new Map(Object.entries(v.parse(definitionSchema, definition).States));

/** Whether a state hands out a task token and waits for the answer. */
export const waits = ({ Resource }: State) => Resource.endsWith('.waitForTaskToken');

/** The ARN of the function that a Task state invokes. */
export function functionOf(state: State): string {
  return waits(state) ? v.parse(v.object({ FunctionName: v.string() }), state.Parameters).FunctionName : state.Resource;
}

/** Every way from a state to the next, in the form in which `takenEdges` has them. */
export function edgesOf(states: ReadonlyMap<string, State>): Set<string> {
  return new Set(
    [...states].flatMap(([name, { Next, Default, Choices, Catch }]) =>
      [Next, Default, ...[...Choices, ...Catch].map((rule) => rule.Next)]
        .filter((next) => next !== undefined)
        .map((next) => `${name} → ${next}`),
    ),
  );
}
