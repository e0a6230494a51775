import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
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
  roleArn: string;
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
  functions(): readonly LambdaFunction[];
  /** The ARN of a function's role. @throws LambdaError when there is no such function */
  roleOf(functionArn: string): string;
  /**
   * Invokes a function and returns its result.
   * @throws LambdaError with the name of the error that the handler threw, or `Sandbox.Timedout`, `Runtime.ExitError`
   */
  invoke(functionArn: string, event: unknown): Promise<unknown>;
  /** Ends what runs of a function in the middle of its work; without a name, what runs of every function. */
  kill(functionName?: string): void;
  /** After the clock was turned forward: lets what runs notice, and settles when the timers that came due have run. */
  catchUp(): Promise<void>;
  close(): Promise<void>;
}

/**
 * How many workers a function has at most; further invocations wait for one, as AWS makes callers wait by throttling. Each costs
 * 17 MB and a cold start, so that more than the machine has processors for would only make all of them slower.
 */
const maxWorkersPerFunction = Math.max(2, availableParallelism());

const answerSchema = v.union([
  v.object({ requestId: v.string(), result: v.string() }),
  v.object({ requestId: v.string(), error: v.string() }),
]);
type Answer = v.InferOutput<typeof answerSchema>;
/** What a worker says when it has let its timers know of a clock that was turned forward. */
const caughtUpSchema = v.object({ caughtUp: v.literal(true) });
const errorSchema = v.object({ errorType: v.string() });

interface Entry {
  lambda: LambdaFunction;
  /** Its warm workers that have nothing to do. */
  idle: Worker[];
  /** Its workers that run an invocation. */
  busy: Set<Worker>;
  /** Who waits for one of them. */
  waiting: ((worker: Worker) => void)[];
}

/**
 * Runs the packaged bundles in warm worker threads, one invocation at a time each, and writes what they log to a file per
 * function.
 */
export function createLambdaPool({ clock, logFolder }: { clock: Clock; logFolder: string }): LambdaPool {
  const functions = new Map<string, Entry>();
  const workers = new Set<Worker>();
  let closed = false;

  const logFileOf = ({ functionName }: LambdaFunction) => join(logFolder, `${functionName}.log`);

  function entryOf(functionArn: string): Entry {
    const entry = functions.get(functionArn);
    if (entry !== undefined) return entry;
    throw new LambdaError('Lambda.ResourceNotFoundException', `Function not found: ${functionArn}`);
  }

  function startWorker(entry: Entry): Worker {
    if (closed) throw new LambdaError('Lambda.ServiceException', 'The sandbox is closed');
    const { bundle, exportName, environment } = entry.lambda;
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      env: { ...environment },
      workerData: { bundle, exportName, logFile: logFileOf(entry.lambda), clockOffset: clock.offset },
      // Young objects may take 48 MB of a worker otherwise, before any garbage is collected.
      resourceLimits: { maxYoungGenerationSizeMb: 8 },
    });
    workers.add(worker);
    worker.on('exit', () => {
      workers.delete(worker);
      // What a handler leaves running can end its worker between two invocations.
      entry.idle = entry.idle.filter((other) => other !== worker);
    });
    // The exit follows; without a listener the error would end the sandbox.
    worker.on('error', () => {});
    return worker;
  }

  /** Takes a warm worker or a new one, or waits for one that becomes free. */
  async function takeWorker(entry: Entry): Promise<Worker> {
    const { idle, busy, waiting } = entry;
    if (idle.length === 0 && busy.size >= maxWorkersPerFunction) {
      return new Promise((resolve) => waiting.push(resolve));
    }
    const worker = idle.pop() ?? startWorker(entry);
    busy.add(worker);
    return worker;
  }

  /** Hands a worker that has answered on to who waits next; in place of one that has not, a new one. */
  function release(entry: Entry, worker: Worker, hasAnswered: boolean): void {
    const { idle, busy, waiting } = entry;
    const next = waiting.shift();
    if (!hasAnswered || next === undefined) busy.delete(worker);
    if (next === undefined) {
      if (hasAnswered) idle.push(worker);
      return;
    }
    const free = hasAnswered ? worker : startWorker(entry);
    busy.add(free);
    next(free);
  }

  /** @throws LambdaError when the worker ends without an answer */
  function run(worker: Worker, lambda: LambdaFunction, payload: string): Promise<Answer> {
    const { functionName, functionArn, timeoutSeconds } = lambda;
    const requestId = randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const failed = (errorType: string, errorMessage: string) =>
      reject(new LambdaError(errorType, JSON.stringify({ errorType, errorMessage })));
    const cancelTimeout = clock.after(timeoutSeconds * 1000, () => {
      void worker.terminate();
      failed('Sandbox.Timedout', `RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds}.00 seconds`);
    });
    const onMessage = (message: unknown) => {
      if (!v.is(caughtUpSchema, message)) resolve(v.parse(answerSchema, message));
    };
    const onExit = () => failed('Runtime.ExitError', `RequestId: ${requestId} Error: Runtime exited without an answer`);
    const onError = (error: unknown) =>
      error instanceof Error ? failed(error.name, error.message) : failed('Runtime.ExitError', String(error));
    worker.on('message', onMessage).once('exit', onExit).once('error', onError);
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
      // Also of a function that never runs.
      appendFileSync(logFileOf(lambda), '');
      functions.set(lambda.functionArn, { lambda, idle: [], busy: new Set(), waiting: [] });
    },
    functions: () => [...functions.values()].map(({ lambda }) => lambda),
    roleOf: (functionArn) => entryOf(functionArn).lambda.roleArn,
    async invoke(functionArn, event) {
      const entry = entryOf(functionArn);
      const endOfWork = clock.busy();
      const worker = await takeWorker(entry);
      let hasAnswered = false;
      try {
        const answer = await run(worker, entry.lambda, JSON.stringify(event));
        // After an error of the handler the environment stays warm, as in AWS.
        hasAnswered = true;
        if ('result' in answer) return JSON.parse(answer.result);
        throw new LambdaError(v.parse(errorSchema, JSON.parse(answer.error)).errorType, answer.error);
      } finally {
        release(entry, worker, hasAnswered);
        endOfWork();
      }
    },
    kill(functionName) {
      for (const { lambda, busy } of functions.values()) {
        if (functionName !== undefined && functionName !== lambda.functionName) continue;
        for (const worker of busy) void worker.terminate();
      }
    },
    async catchUp() {
      const running = [...functions.values()].flatMap(({ busy }) => [...busy]);
      await Promise.all(running.map(catchUp));
    },
    async close() {
      closed = true;
      // The workers that become free now are for nobody.
      for (const { waiting } of functions.values()) waiting.length = 0;
      await Promise.all([...workers].map((worker) => worker.terminate()));
    },
  };
}

/** Settles when the worker has caught up with the clock, or has ended. */
async function catchUp(worker: Worker): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onMessage = (message: unknown) => {
    if (v.is(caughtUpSchema, message)) resolve();
  };
  worker.on('message', onMessage).once('exit', resolve);
  worker.postMessage({ catchUp: true });
  await promise;
  worker.off('message', onMessage).off('exit', resolve);
}
