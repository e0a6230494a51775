import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';

const amount = v.pipe(v.number(), v.minValue(0));

/** What is paid for of something that was done. */
const useSchema = v.strictObject({
  transitions: amount,
  /** By the names of the functions. */
  invocations: v.record(v.string(), amount),
  /** Calls of AWS that the functions wait for, those of Secrets Manager and KMS included. */
  awsCalls: amount,
  /** Calls of InfinStor and its user pool. */
  infinstorCalls: amount,
  /** Processor time of warm functions on the machine that measured, in milliseconds. */
  processorMs: amount,
  dynamoDbReads: amount,
  dynamoDbWrites: amount,
  secretCalls: amount,
  secretsMade: amount,
  kmsCalls: amount,
  /** On a bus by the deployment itself. */
  events: amount,
  apiRequests: amount,
  /** What the functions have written themselves. */
  logLines: amount,
  logBytes: amount,
});
export type Use = v.InferOutput<typeof useSchema>;

/** What one run over a registry with many subscribers reads and calls. */
const runSchema = v.strictObject({ reads: amount, writes: amount, calls: amount, keys: amount });
export type RunAtScale = v.InferOutput<typeof runSchema>;

/** How many subscribers there are. */
export const sizes = [1, 1_000, 10_000] as const;
export type Size = (typeof sizes)[number];

export const operationNames = [
  ...(['onboarding', 'onboardingWithKeys', 'update', 'addedUser', 'upgrade', 'offboarding'] as const),
  ...(['status', 'list'] as const),
] as const;
export const scheduledNames = ['sweepExecutions', 'sweepPasswords', 'drift', 'checkQuotas'] as const;
export const runNames = ['sweep', 'sweepHourly', 'drift', 'driftDaily', 'driftWeekly'] as const;

export const measuredSchema = v.strictObject({
  operations: v.strictObject(v.entriesFromList(operationNames, useSchema)),
  /** One run of each schedule of a deployment with one subscriber. */
  scheduled: v.strictObject(v.entriesFromList(scheduledNames, useSchema)),
  /** Items of a subscriber with two keys in the registry, and the entries of the index. */
  registry: v.strictObject({ items: amount, bytes: amount }),
  /** By how many subscribers there are. */
  atScale: v.strictObject(
    v.entriesFromList(
      sizes.map((size) => `${size}` as const),
      v.strictObject(v.entriesFromList(runNames, runSchema)),
    ),
  ),
});
export type Measured = v.InferOutput<typeof measuredSchema>;

export const measuredFile = join(import.meta.dirname, 'measured.json');

/** What `npm run bench:cost` has measured last. @throws ValiError when the file is of another form: then measure anew */
export const measured: () => Measured = () => v.parse(measuredSchema, JSON.parse(readFileSync(measuredFile, 'utf8')));
