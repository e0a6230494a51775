import { randomBytes } from 'node:crypto';
import { StateError } from './evaluate-state.ts';

/** Task tokens that are waited for, and how their waits end. */
export interface TaskTokens {
  /**
   * A new token, and the promise of its answer: it rejects with a StateError on SendTaskFailure. `onHeartbeat` is called for
   * each sign of life.
   */
  issue(stateMachineArn: string, onHeartbeat: () => void): { token: string; answer: Promise<unknown> };
  /** The machine that a token is of; undefined for a token that was never issued. */
  machineOf(token: string): string | undefined;
  /** After this the token's task has timed out. */
  revoke(token: string): void;
  /** Whether the token still waits for an answer. */
  isOpen(token: string): boolean;
  heartbeat(token: string): void;
  succeed(token: string, output: unknown): void;
  fail(token: string, failure: { error?: string | undefined; cause?: string | undefined }): void;
}

export function createTaskTokens(): TaskTokens {
  const open = new Map<string, PromiseWithResolvers<unknown> & { onHeartbeat: () => void }>();
  /** Every token that was ever issued. */
  const machines = new Map<string, string>();

  function close(token: string) {
    const answer = open.get(token);
    open.delete(token);
    return answer;
  }

  return {
    issue(stateMachineArn, onHeartbeat) {
      // Shaped like AWS's tokens, base64 of some hundred bytes, and not like a JWT.
      const token = `AQCoAAAAKgAAAAMAAAAA${randomBytes(180).toString('base64')}`;
      const answer = Promise.withResolvers<unknown>();
      open.set(token, { ...answer, onHeartbeat });
      machines.set(token, stateMachineArn);
      return { token, answer: answer.promise };
    },
    revoke: close,
    machineOf: (token) => machines.get(token),
    isOpen: (token) => open.has(token),
    heartbeat: (token) => open.get(token)?.onHeartbeat(),
    succeed: (token, output) => close(token)?.resolve(output),
    fail(token, { error, cause }) {
      // What is left out is null to a Catch (recorded: localstack's tests/aws/services/stepfunctions/v2/callback).
      const output = { Error: error ?? null, Cause: cause ?? null };
      close(token)?.reject(new StateError(error ?? '', cause ?? '', { output }));
    },
  };
}
