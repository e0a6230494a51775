import * as v from 'valibot';
import { statusSchema } from '../aws/subscriber-status.ts';
import { outputSchema } from '../view/report.ts';
import { document, failed, failureSchema, openDocument } from './parts.ts';

const history = v.array(
  v.strictObject({
    state: v.string(),
    attempt: v.number(),
    enteredAt: v.string(),
    exitedAt: v.nullable(v.string()),
  }),
);

/** Of an execution that was followed to its end, or that could not be begun or followed. */
export const executionDocument = document({
  status: v.picklist(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED']),
  executionArn: v.pipe(v.nullable(v.string()), v.description('Null when nothing was started.')),
  durationMs: v.number(),
  transitions: v.pipe(v.number(), v.description('States entered, and retries.')),
  output: v.pipe(v.nullable(outputSchema), v.description('What the state machine has put out.')),
  credentialsSecretId: v.pipe(
    v.nullable(v.string()),
    v.description("The secret with the subscriber's password and custom token."),
  ),
  error: v.nullable(failureSchema),
  keyPolicies: v.pipe(
    v.record(v.string(), v.unknown()),
    v.description("The policies of the request's keys after the run, by key ARN."),
  ),
  history,
});

/** How a subscriber stands, as the API returns it; the failure is that of its latest attempt. */
export const statusDocument = v.union([
  openDocument({
    ...statusSchema.entries,
    error: v.pipe(
      v.nullable(
        v.looseObject({ name: v.string(), step: v.optional(v.string()), message: v.string(), remedy: v.string() }),
      ),
      v.description('Of the latest attempt, if that has failed.'),
    ),
  }),
  // The status of nobody, or one that cannot be read.
  document({ userName: v.nullable(v.string()), status: v.null(), error: failureSchema }),
]);

const watched = { userName: v.string(), operation: v.string(), executionArn: v.string() };

/** A line of `watch`: a change, or, after the last one of a subscriber, what came of its execution. */
export const changeLine = v.union([
  document({
    ...watched,
    at: v.string(),
    change: v.picklist([
      'started',
      'entered',
      'try failed',
      'retried',
      'redriven',
      'succeeded',
      'failed',
      'timed out',
      'aborted',
    ]),
    step: v.nullable(v.string()),
    attempt: v.nullable(v.number()),
    error: v.nullable(v.string()),
    durationMs: v.nullable(v.number()),
  }),
  document({
    ...watched,
    change: v.literal('over'),
    status: v.string(),
    durationMs: v.number(),
    error: v.nullable(failureSchema),
  }),
  failed({ executionArn: v.nullable(v.string()) }),
]);

const logEntry = {
  timestamp: v.string(),
  function: v.string(),
  level: v.nullable(v.string()),
  message: v.string(),
  fields: v.record(v.string(), v.unknown()),
};
export const logLine = document(logEntry);
export const logsDocument = v.union([
  document({
    userName: v.string(),
    executionArn: v.string(),
    lines: v.array(v.strictObject(logEntry)),
    missingLogGroups: v.array(v.string()),
  }),
  failed({ executionArn: v.null(), lines: v.null() }),
]);
