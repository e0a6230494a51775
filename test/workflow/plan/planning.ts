// Plans of requests, over the HTTP API.

import * as v from 'valibot';
import { expect } from 'vitest';
import { type Preview, previewSchema } from '../../../lib/preflight/preview.ts';
import type { Operation } from '../../../lib/subscribers/operations.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { isRead } from '../../../sandbox/core/faults.ts';
import { callApi } from '../api.ts';

const refusalSchema = v.object({
  error: v.object({
    name: v.string(),
    message: v.string(),
    remedy: v.string(),
    errors: v.array(
      v.strictObject({
        name: v.string(),
        pointer: v.optional(v.string()),
        field: v.optional(v.string()),
        rule: v.string(),
        remedy: v.string(),
      }),
    ),
  }),
});
export type Refusal = v.InferOutput<typeof refusalSchema>['error'];

/** Asks for a plan, which must have called nothing that writes. */
async function ask(sandbox: Sandbox, operation: Operation, request: unknown) {
  const before = sandbox.calls().length;
  const answer = await callApi(sandbox, 'POST', '/plans', { operation, request });
  const calls = sandbox.calls().slice(before);
  const own = calls.filter(({ invocation }) => invocation?.startsWith('plan-request#'));
  expect(own.filter((call) => !isRead(call.operation) && call.operation !== 'AssumeRole')).toEqual([]);
  return { ...answer, calls: own };
}

/** The plan of a request that is right. */
export async function plan(sandbox: Sandbox, operation: Operation, request: unknown): Promise<Preview> {
  const { status, body } = await ask(sandbox, operation, request);
  expect({ status, body }).toMatchObject({ status: 200 });
  return v.parse(previewSchema, body);
}

/** What a plan answers of a request that is wrong. */
export async function refusal(sandbox: Sandbox, operation: Operation, request: unknown): Promise<Refusal> {
  const { status, body } = await ask(sandbox, operation, request);
  expect({ status, body }).toMatchObject({ status: 422 });
  return v.parse(refusalSchema, body).error;
}

/** A plan's changes in short. */
export const changesOf = ({ changes }: Preview): string[] =>
  changes.map(({ step, kind, action, what }) => `${step}: ${action} ${kind} ${what}`);
