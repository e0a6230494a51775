import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import * as v from 'valibot';
import type { Clock } from '../../core/clock.ts';
import { LambdaError } from '../../core/lambda-error.ts';
import { type Report, reportSchema } from './messages.ts';
import type { Thread } from './threads.ts';

/** A function as the packaged template describes it. */
export interface LambdaFunction {
  functionName: string;
  functionArn: string;
  /** The path of the bundle, and the name of its export. */
  bundle: string;
  exportName: string;
  environment: Readonly<Record<string, string>>;
  roleArn: string;
  timeoutSeconds: number;
  /** The SHA-256 of its zip, in Base64. */
  codeSha256: string;
  /** When it was created or updated, in milliseconds since the epoch. */
  lastModified: number;
}

/** The step whose function it is, by the name of its bundle. */
export const stepOf = ({ bundle }: LambdaFunction) => basename(bundle, '.cjs');

/** An execution environment of a function: an instance of its bundle in a thread, which may have those of other functions, too. */
export interface Environment {
  id: string;
  thread: Thread;
}

export type Outcome = Extract<Report, { type: 'result' | 'error' }>;

/**
 * Runs an invocation in an environment that does nothing else. While the function is asleep, it is no work that the clock waits for.
 * @returns undefined when the thread had ended before, so that the function has not run
 * @throws LambdaError when the thread ends without an answer
 */
export function runInvocation(
  clock: Clock,
  { id, thread }: Environment,
  lambda: LambdaFunction,
  payload: string,
): Promise<Outcome | undefined> {
  const { functionName, functionArn, timeoutSeconds } = lambda;
  const requestId = randomUUID();
  const { promise, resolve, reject } = Promise.withResolvers<Outcome | undefined>();
  let hasStarted = false;
  const failed = (errorType: string, errorMessage: string) =>
    reject(new LambdaError(errorType, JSON.stringify({ errorType, errorMessage })));
  const ended = (errorType: string, errorMessage: string) =>
    hasStarted || !thread.hasRun ? failed(errorType, errorMessage) : resolve(undefined);
  const work = beginWork(clock, () => thread.send({ type: 'catch up' }));
  const deadline = clock.now() + timeoutSeconds * 1000;
  const cancelTimeout = clock.after(timeoutSeconds * 1000, () => {
    void thread.worker.terminate();
    failed('Sandbox.Timedout', `RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds}.00 seconds`);
  });
  const onMessage = (message: unknown) => {
    const report = v.parse(reportSchema, message);
    if (!('requestId' in report) || report.requestId !== requestId) return;
    switch (report.type) {
      case 'result':
      case 'error':
        return resolve(report);
      case 'started':
        hasStarted = true;
        return;
      case 'asleep':
        return work.sleep(report.due);
      case 'awake':
        return work.wake();
    }
  };
  const onExit = () => ended('Runtime.ExitError', `RequestId: ${requestId} Error: Runtime exited without an answer`);
  const onError = (error: unknown) =>
    error instanceof Error ? ended(error.name, error.message) : ended('Runtime.ExitError', String(error));
  const { worker } = thread;
  worker.on('message', onMessage).once('exit', onExit).once('error', onError);
  thread.send({ type: 'invoke', environmentId: id, requestId, payload, functionName, functionArn, deadline });
  return promise.finally(() => {
    cancelTimeout();
    work.end();
    worker.off('message', onMessage).off('exit', onExit).off('error', onError);
  });
}

/**
 * What an invocation is to the clock: work, but not while the function is asleep.
 * @param onWake called when a sleep is over
 */
function beginWork(clock: Clock, onWake: () => void) {
  let endOfWork = clock.busy();
  let cancelWake = () => {};
  function end(): void {
    cancelWake();
    endOfWork();
  }
  function wake(): void {
    end();
    endOfWork = clock.busy();
  }
  return {
    end,
    wake,
    /** Until then, in milliseconds since the epoch; undefined: until something else happens. */
    sleep(due: number | undefined): void {
      end();
      if (due === undefined) return;
      cancelWake = clock.after(Math.max(0, due - clock.now()), () => {
        wake();
        onWake();
      });
    },
  };
}
