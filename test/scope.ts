import * as v from 'valibot';

/**
 * How much a run of the tests proves: `TEST_SCOPE`. The usual run has every edge, error and side effect at least once; `all` has
 * every way of interrupting each side effect and more runs of everything random; `long` has many more, for a night.
 */
export const scope = v.parse(v.optional(v.picklist(['usual', 'all', 'long']), 'usual'), process.env.TEST_SCOPE);

/** Whether every case is wanted, and not one of each kind. */
export const isWhole = scope !== 'usual';

/** What a scope has, by its name. */
export const byScope = <Value>(values: Readonly<Record<typeof scope, Value>>): Value => values[scope];
