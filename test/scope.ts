import * as v from 'valibot';

const asked = v.parse(v.optional(v.picklist(['usual', 'rest', 'all', 'long']), 'usual'), process.env.TEST_SCOPE);

/**
 * How much a run of the tests proves: `TEST_SCOPE`. The usual run has every edge, error and side effect at least once; `all` has
 * every way of interrupting each side effect and more runs of everything random; `long` has many more, for a night. `rest` is `all`
 * without the cases of the usual run, for those who run both.
 */
export const scope = asked === 'rest' ? 'all' : asked;

/** Whether every case is wanted, and not one of each kind. */
export const isWhole = scope !== 'usual';

/** Of all these cases, those that this run has. A case is the same one in both lists when it is the same value. */
export function casesInScope<Case>(all: readonly Case[], usual: readonly NoInfer<Case>[]): readonly Case[] {
  switch (asked) {
    case 'usual':
      return usual;
    case 'rest':
      return all.filter((each) => !usual.includes(each));
    case 'all':
    case 'long':
      return all;
  }
}

/** What a scope has, by its name. */
export const byScope = <Value>(values: Readonly<Record<typeof scope, Value>>): Value => values[scope];
