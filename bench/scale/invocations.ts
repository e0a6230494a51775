// Invocations of a function, which may take no longer than its time limit.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { parse } from 'yaml';
import { refused } from './world.ts';

const functionSchema = v.object({ timeout: v.number() });

/** Counts the time of invocations, and what is refused of their calls. One that fails, or takes too long, fails the benchmark. */
export function invocationsOf(functionName: string) {
  const file = join(import.meta.dirname, '../../functions', functionName, 'function.yml');
  const limitMs = v.parse(functionSchema, parse(readFileSync(file, 'utf8'))).timeout * 1_000;
  const refusedBefore = refused.calls;
  let longestMs = 0;
  let problem = '';

  function fail(what: string): void {
    problem = ` FAILED: ${what}`;
    process.exitCode = 1;
  }

  return {
    fail,
    /** @param work takes what says how long the function may run yet */
    async invoke<Result>(work: (remainingMs: () => number) => Promise<Result>): Promise<Result | undefined> {
      const begin = Date.now();
      const passed = () => Date.now() - begin;
      try {
        return await work(() => limitMs - passed());
      } catch (error) {
        fail(error instanceof AggregateError ? String(error.errors[0]) : String(error));
        return undefined;
      } finally {
        longestMs = Math.max(longestMs, passed());
        if (longestMs > limitMs) fail(`more than ${limitMs / 1_000} s`);
      }
    },
    summary: () =>
      `${(longestMs / 1_000).toFixed(1)} s of ${limitMs / 1_000} at most, ${refused.calls - refusedBefore} calls refused${problem}`,
  };
}
