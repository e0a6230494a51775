// One warm execution environment of a Lambda function: a worker thread with the function's own environment variables.
import { openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import * as v from 'valibot';

const { bundle, exportName, logFile, clockOffset } = v.parse(
  v.object({
    bundle: v.string(),
    exportName: v.string(),
    logFile: v.string(),
    clockOffset: v.instance(SharedArrayBuffer),
  }),
  workerData,
);

// At once and without the main thread, so that the log is whole even when the worker is ended, and costs nobody else.
const log = openSync(logFile, 'a');
function write(text: string | Uint8Array, ...rest: unknown[]): boolean {
  writeSync(log, typeof text === 'string' ? Buffer.from(text) : text);
  const done = rest.at(-1);
  if (typeof done === 'function') process.nextTick(done);
  return true;
}
Object.assign(process.stdout, { write });
Object.assign(process.stderr, { write });

const catchUpSchema = v.object({ catchUp: v.literal(true) });
const invocationSchema = v.object({
  requestId: v.string(),
  payload: v.string(),
  functionName: v.string(),
  functionArn: v.string(),
  deadline: v.number(),
});
const moduleSchema = v.record(v.string(), v.unknown());
const handlerSchema = v.function();

// The function reads the sandbox's clock, which may be ahead of real time.
const ahead = new Float64Array(clockOffset);
const now = () => RealDate.now() + (ahead[0] ?? 0);
const RealDate = Date;
globalThis.Date = new Proxy(RealDate, {
  construct: (target, parameters, newTarget) =>
    Reflect.construct(target, parameters.length === 0 ? [now()] : parameters, newTarget),
  get: (target, property) => (property === 'now' ? now : Reflect.get(target, property)),
});

// Its timers run on real time, and come due early when the clock is turned forward. Short ones, which pace a function's own
// work, are no time that anybody waits for.
const shortMs = 1000;
const waiting = new Map<NodeJS.Timeout, { due: number; run: () => void }>();
const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };

function setTimer(run: (...parameters: unknown[]) => void, milliseconds = 0, ...parameters: unknown[]): NodeJS.Timeout {
  const fire = () => {
    waiting.delete(timer);
    run(...parameters);
  };
  const timer = real.setTimeout(fire, milliseconds);
  if (milliseconds >= shortMs) waiting.set(timer, { due: now() + milliseconds, run: fire });
  return timer;
}

function clearTimer(timer: NodeJS.Timeout | undefined): void {
  if (timer !== undefined) waiting.delete(timer);
  real.clearTimeout(timer);
}

function catchUp(): void {
  for (const [timer, { due, run }] of waiting) {
    if (due > now()) continue;
    real.clearTimeout(timer);
    run();
  }
}

Object.assign(globalThis, {
  // With what belongs to it, such as its form for promises.
  setTimeout: Object.defineProperties(setTimer, Object.getOwnPropertyDescriptors(real.setTimeout)),
  clearTimeout: clearTimer,
});
AbortSignal.timeout = (milliseconds) => {
  const controller = new AbortController();
  const abort = () => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
  setTimer(abort, milliseconds).unref();
  return controller.signal;
};

let handler: ((event: unknown, context: unknown) => unknown) | undefined;

parentPort?.on('message', async (message: unknown) => {
  if (v.is(catchUpSchema, message)) {
    catchUp();
    parentPort?.postMessage({ caughtUp: true });
    return;
  }
  const { payload, requestId, functionName, functionArn, deadline } = v.parse(invocationSchema, message);
  const context = {
    awsRequestId: requestId,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn,
    memoryLimitInMB: '512',
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: requestId,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => deadline - now(),
  };
  try {
    // Loaded by the first invocation, as a failing initialisation is reported as that invocation's error.
    handler ??= v.parse(handlerSchema, v.parse(moduleSchema, createRequire(import.meta.url)(bundle))[exportName]);
    const result = await handler(JSON.parse(payload), context);
    parentPort?.postMessage({ requestId, result: JSON.stringify(result ?? null) });
  } catch (error) {
    parentPort?.postMessage({ requestId, error: serialized(error) });
  }
});

/** An error as the Lambda runtime for Node reports it: the name that the machine matches, and nothing of its other fields. */
function serialized(error: unknown) {
  if (!(error instanceof Error))
    return JSON.stringify({ errorType: typeof error, errorMessage: String(error), trace: [] });
  const { name, message, stack = '' } = error;
  return JSON.stringify({ errorType: name, errorMessage: message, trace: stack.split('\n') });
}
