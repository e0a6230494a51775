import * as v from 'valibot';

/** The document is in the bundle. */
export const environmentSchema = v.object({});
