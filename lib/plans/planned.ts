import * as v from 'valibot';

/** What every machine's plan says of whom it is for, and of which execution it is. */
export const plannedSchema = v.object({ subscriber: v.object({ userName: v.string() }), executionArn: v.string() });

export type Planned = v.InferOutput<typeof plannedSchema>;
