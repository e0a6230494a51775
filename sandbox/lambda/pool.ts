import { randomUUID } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as v from 'valibot';
import type { Clock } from '../clock.ts';

/** A function as the packaged template describes it. */
export interface LambdaFunction {
  functionName: string;
  functionArn: string;
  /** The path of the bundle, and the name of its export. */
  bundle: string;
  exportName: string;
  environment: Readonly<Record<string, string>>;
  timeoutSeconds: number;
}

/** A failed invocation, with error name and cause as a state machine sees them. */
export class LambdaError extends Error {
  override readonly name: string;
  override readonly cause: string;

  constructor(name: string, cause: string) {
    super(cause);
    this.name = name;
    this.cause = cause;
  }
}

export interface LambdaPool {
  add(lambda: LambdaFunction): void;
  /**
   * Invokes a function and returns its result.
   * @throws LambdaError with the name of the error that the handler threw, or `Sandbox.Timedout`, `Runtime.ExitError`
   */
  invoke(functionArn: string, event: unknown): Promise<unknown>;
  close(): Promise<void>;
}

/** A hundred workers cost 1.7 GB; further invocations wait for a free one, as AWS makes callers wait by throttling. */
const maxWorkers = 16;

const answerSchema = v.union([
  v.object({ requestId: v.string(), result: v.string() }),
  v.object({ requestId: v.string(), error: v.string() }),
]);
const errorSchema = v.object({ errorType: v.string() });

/**
 * Runs the packaged bundles in warm worker threads, one invocation at a time each, and writes what they log to a file per
 * function.
 */
export function createLambdaPool({ clock, logFolder }: { clock: Clock; logFolder: string }): LambdaPool {
  const functions = new Map<string, { lambda: LambdaFunction; idle: Worker[]; log: WriteStream }>();
  const workers = new Set<Worker>();
  const waiting: (() => void)[] = [];
  let running = 0;

  function startWorker({ bundle, exportName, environment }: LambdaFunction, log: WriteStream): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      env: { ...environment },
      workerData: { bundle, exportName, clockOffset: clock.offset },
      stdout: true,
      stderr: true,
    });
    worker.stdout.pipe(log, { end: false });
    worker.stderr.pipe(log, { end: false });
    worker.setMaxListeners(0);
    workers.add(worker);
    worker.on('exit', () => workers.delete(worker));
    return worker;
  }

  /** Waits for a place; when all workers are taken by other functions' idle ones, one of those ends. */
  async function takePlace(): Promise<void> {
    if (running >= maxWorkers) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    if (workers.size < maxWorkers) return;
    for (const { idle } of functions.values()) {
      const worker = idle.pop();
      if (worker !== undefined) {
        await worker.terminate();
        return;
      }
    }
  }

  function releasePlace(): void {
    running -= 1;
    waiting.shift()?.();
  }

  function run(worker: Worker, lambda: LambdaFunction, payload: string): Promise<string> {
    const { functionName, functionArn, timeoutSeconds } = lambda;
    const requestId = randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const failed = (errorType: string, errorMessage: string) =>
      reject(new LambdaError(errorType, JSON.stringify({ errorType, errorMessage })));
    const cancelTimeout = clock.after(timeoutSeconds * 1000, () => {
      void worker.terminate();
      failed('Sandbox.Timedout', `RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds}.00 seconds`);
    });
    const onMessage = (message: unknown) => {
      const answer = v.parse(answerSchema, message);
      if ('result' in answer) resolve(answer.result);
      else reject(new LambdaError(v.parse(errorSchema, JSON.parse(answer.error)).errorType, answer.error));
    };
    const onExit = () => failed('Runtime.ExitError', `RequestId: ${requestId} Error: Runtime exited without an answer`);
    const onError = (error: Error) => failed(error.name, error.message);
    worker.once('message', onMessage).once('exit', onExit).once('error', onError);
    worker.postMessage({
      requestId,
      payload,
      functionName,
      functionArn,
      deadline: clock.now() + timeoutSeconds * 1000,
    });
    return promise.finally(() => {
      cancelTimeout();
      worker.off('message', onMessage).off('exit', onExit).off('error', onError);
    });
  }

  return {
    add(lambda) {
      const log = createWriteStream(join(logFolder, `${lambda.functionName}.log`), { flags: 'a' });
      functions.set(lambda.functionArn, { lambda, idle: [], log });
    },
    async invoke(functionArn, event) {
      const entry = functions.get(functionArn);
      if (entry === undefined)
        throw new LambdaError('Lambda.ResourceNotFoundException', `Function not found: ${functionArn}`);
      const { lambda, idle, log } = entry;
      const endOfWork = clock.busy();
      await takePlace();
      const worker = idle.pop() ?? startWorker(lambda, log);
      try {
        const result = await run(worker, lambda, JSON.stringify(event));
        idle.push(worker);
        return JSON.parse(result);
      } catch (error) {
        // After an error of the handler the environment stays warm, as in AWS; after a timeout or an exit it is gone.
        if (workers.has(worker) && !isFatal(error)) idle.push(worker);
        throw error;
      } finally {
        releasePlace();
        endOfWork();
      }
    },
    async close() {
      await Promise.all([...workers].map((worker) => worker.terminate()));
      await Promise.all([...functions.values()].map(({ log }) => new Promise<void>((done) => log.end(done))));
    },
  };
}

function isFatal(error: unknown): boolean {
  return !(error instanceof LambdaError) || error.name === 'Sandbox.Timedout' || error.name === 'Runtime.ExitError';
}
