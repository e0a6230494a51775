import * as v from 'valibot';

/** The parameters of path and query. */
export const keySchema = v.object({
  keyId: v.pipe(
    v.string(),
    v.regex(/^(?:arn:[\w:/-]{1,180}|(?:mrk-)?[0-9a-f-]{32,36})$/, 'must be the id of a key, or its ARN'),
  ),
  arn: v.optional(v.pipe(v.string(), v.maxLength(200, 'must be the ARN of a key'))),
});
