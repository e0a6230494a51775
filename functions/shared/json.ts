import * as v from 'valibot';

/** A schema for a string that holds JSON of the given schema, as environment variables and secrets do. */
export function json<Output>(schema: v.GenericSchema<unknown, Output>) {
  return v.pipe(
    v.string(),
    v.rawTransform<string, unknown>(({ dataset, addIssue, NEVER }) => {
      try {
        return JSON.parse(dataset.value);
      } catch {
        addIssue({ message: 'must be JSON' });
        return NEVER;
      }
    }),
    schema,
  );
}
