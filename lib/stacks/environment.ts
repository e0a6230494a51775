import * as v from 'valibot';

/** What a function needs to know to recognize or name subscribers' stacks. */
export const stackNameEnvironment = {
  /** How the names of subscribers' stacks begin. */
  STACK_NAME_PREFIX: v.string(),
};

/** What a function needs to know to set the deadline of a wait for a stack. */
export const stackTimeoutEnvironment = {
  /** After how many minutes the wait for a stack ends. */
  STACK_TIMEOUT_MINUTES: v.pipe(v.string(), v.regex(/^\d+$/, 'must be a number of minutes'), v.transform(Number)),
};
