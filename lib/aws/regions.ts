import * as v from 'valibot';

/** A Region's code, such as `us-east-1` or `us-gov-west-1`. */
export const regionSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z]{2,}(-[a-z]+)+-\d+$/, 'must be a Region, such as us-east-1'),
);

/** Regions in an environment variable, comma separated. */
export const regionsSchema = v.pipe(
  v.string(),
  v.transform((list) => list.split(',')),
  v.array(regionSchema),
);
