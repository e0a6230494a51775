import { randomBytes } from 'node:crypto';
import { StateError } from './evaluate-state.ts';

/** Task tokens that are waited for, and how their waits end. */
export interface TaskTokens {
  /** A new token, and the promise of its answer: it rejects with a StateError on SendTaskFailure. */
  issue(): { token: string; answer: Promise<unknown> };
  /** After this the token's task has timed out. */
  revoke(token: string): void;
  /** How a token stands: `unknown` was never issued, `over` has been answered or revoked. */
  status(token: string): 'open' | 'over' | 'unknown';
  succeed(token: string, output: unknown): void;
  fail(token: string, failure: { error: string; cause: string }): void;
}

export function createTaskTokens(): TaskTokens {
  const open = new Map<string, PromiseWithResolvers<unknown>>();
  const over = new Set<string>();

  function close(token: string): PromiseWithResolvers<unknown> | undefined {
    const answer = open.get(token);
    open.delete(token);
    over.add(token);
    return answer;
  }

  return {
    issue() {
      // Shaped like AWS's tokens, base64 of some hundred bytes, and not like a JWT.
      const token = `AQCoAAAAKgAAAAMAAAAA${randomBytes(180).toString('base64')}`;
      const answer = Promise.withResolvers<unknown>();
      open.set(token, answer);
      return { token, answer: answer.promise };
    },
    revoke: close,
    status: (token) => (open.has(token) ? 'open' : over.has(token) ? 'over' : 'unknown'),
    succeed: (token, output) => close(token)?.resolve(output),
    fail: (token, { error, cause }) => close(token)?.reject(new StateError(error, cause)),
  };
}
