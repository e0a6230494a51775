import * as v from 'valibot';
import { document, failureSchema } from './parts.ts';

const sureness = v.picklist(['certain', 'likely', 'unsure', 'given']);

/** Of `init`: the stage as far as it is decided, and what is still to be answered. */
export const initDocument = document({
  status: v.picklist(['SUCCEEDED', 'FAILED']),
  stage: v.nullable(v.string()),
  file: v.pipe(v.nullable(v.string()), v.description('Null when it was not written.')),
  params: v.nullable(v.record(v.string(), v.unknown())),
  map: v.array(
    v.strictObject({
      param: v.string(),
      parameter: v.nullable(v.string()),
      value: v.nullable(v.string()),
      sureness,
      why: v.string(),
    }),
  ),
  questions: v.pipe(
    v.array(
      v.strictObject({
        id: v.string(),
        text: v.string(),
        proposal: v.nullable(v.string()),
        why: v.string(),
        flag: v.pipe(v.string(), v.description('The option that answers it.')),
      }),
    ),
    v.description('What somebody must say before the file can be written.'),
  ),
  template: v.nullable(v.strictObject({ url: v.string(), sha256: v.string() })),
  next: v.pipe(v.array(v.string()), v.description('The commands that are to follow, in their order.')),
  error: v.nullable(failureSchema),
});
