import * as v from 'valibot';
import { document, failed, failureSchema, succeeded } from './parts.ts';

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

const checks = v.array(
  v.strictObject({
    what: v.string(),
    outcome: v.pipe(
      v.picklist(['ok', 'warn', 'fail']),
      v.description(
        'warn: it works, or it could not be looked at; fail: an onboarding would fail, or go unnoticed when it does.',
      ),
    ),
    why: v.string(),
    mend: v.pipe(v.nullable(v.string()), v.description('The command that mends it, or, where none does, what to do.')),
  }),
);

/** A stage that is not well is no failure of the command: that alone has these. */
export const doctorDocument = document({
  checks,
  status: v.optional(v.literal('FAILED')),
  error: v.optional(failureSchema),
});

const nothing = v.null();
export const deployDocument = v.union([
  document({
    status: v.literal('SUCCEEDED'),
    stage: v.string(),
    region: v.string(),
    package: v.pipe(v.string(), v.description('The folder of what was packaged.')),
    unchecked: v.pipe(v.array(v.string()), v.description('The params whose values only osls knows.')),
    deployed: v.pipe(v.boolean(), v.description('Whether CloudFormation has changed anything.')),
    checks,
    outputs: v.nullable(v.record(v.string(), v.string())),
  }),
  failed({ stage: nothing, deployed: v.literal(false), checks, outputs: nothing }),
]);

const stays = v.pipe(
  v.array(v.strictObject({ what: v.string(), command: v.string() })),
  v.description('What is still there, each with the command that deletes it.'),
);
export const removeDocument = v.union([
  document({ status: v.literal('SUCCEEDED'), stage: v.string(), region: v.string(), stays }),
  failed({ stage: nothing, stays }),
]);

const rebuilt = v.pipe(
  v.array(v.strictObject({ kind: v.picklist(['record', 'grant', 'key']), userName: v.string(), what: v.string() })),
  v.description('What the registry lacks or says otherwise.'),
);
const leftOut = v.pipe(
  v.array(v.strictObject({ userName: v.string(), why: v.string() })),
  v.description('Of whom AWS shows too little.'),
);
export const rebuildDocument = v.union([
  document({ ...succeeded, stage: v.string(), written: v.number(), changes: rebuilt, left: leftOut }),
  failed({ stage: nothing, written: nothing, changes: rebuilt, left: leftOut }),
]);
