// A thread that runs invocations of one bundle, one at a time. It holds execution environments: instances of the bundle, each with
// the variables, the log and the clock of one function of one sandbox. The bundle is compiled once, however many instances it has.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import vm from 'node:vm';
import { parentPort } from 'node:worker_threads';
import * as v from 'valibot';
import { timeOf } from '../../core/clock.ts';
import { type EnvironmentDefinition, type Order, orderSchema, type Report } from './messages.ts';
import { watchFlows } from './worker-flows.ts';
import { followClock } from './worker-time.ts';

interface Environment extends Omit<EnvironmentDefinition, 'clock'> {
  clock: Float64Array;
  log: number;
  handler?: Handler;
}
type Handler = (event: unknown, context: unknown) => unknown;

const environments = new Map<string, Environment>();
/** The environment that runs, or ran last: what a function leaves running belongs to it. */
let current: Environment | undefined;
/** The request that is worked on. */
let running: string | undefined;

const report = (message: Report) => parentPort?.postMessage(message);

const flows = watchFlows(() => current);

const time = followClock({
  now: (realTime) => (current === undefined ? realTime() : timeOf(current.clock, realTime)),
  standsStill: () => current?.skipsIdle === true,
  owner: () => current,
  isRunning: () => running !== undefined,
  isDropped: flows.isDropped,
  onAsleep(due) {
    if (running === undefined) return;
    report({ type: 'asleep', requestId: running, ...(Number.isFinite(due) && { due }) });
  },
  onAwake() {
    if (running !== undefined) report({ type: 'awake', requestId: running });
  },
});

// Without the main thread, so that the log is whole even when the thread is ended, and costs nobody else.
function write(text: string | Uint8Array, ...rest: unknown[]): boolean {
  if (current !== undefined) writeSync(current.log, typeof text === 'string' ? Buffer.from(text) : text);
  const done = rest.at(-1);
  if (typeof done === 'function') process.nextTick(done);
  return true;
}
Object.assign(process.stdout, { write });
Object.assign(process.stderr, { write });

parentPort?.on('message', (message: unknown) => {
  const order = v.parse(orderSchema, message);
  switch (order.type) {
    case 'prepare': {
      const { clock, logFile, ...rest } = order.environment;
      const log = openSync(logFile, 'a');
      environments.set(order.environmentId, { ...rest, logFile, clock: new Float64Array(clock), log });
      return;
    }
    case 'invoke':
      return void invoke(order);
    case 'freeze': {
      const { environmentId } = order;
      return report({ type: 'frozen', environmentId, ports: flows.drop(environments.get(environmentId)) });
    }
    case 'catch up':
      time.runDue();
      report({ type: 'caught up' });
      return;
    case 'forget':
      for (const id of order.environmentIds) forget(id);
  }
});

function forget(environmentId: string): void {
  const environment = environments.get(environmentId);
  if (environment === undefined) return;
  environments.delete(environmentId);
  time.forget(environment);
  flows.forget(environment);
  if (environment === current) current = undefined;
  closeSync(environment.log);
}

async function invoke({ environmentId, ...invocation }: Extract<Order, { type: 'invoke' }>): Promise<void> {
  const { payload, requestId, functionName, functionArn, deadline } = invocation;
  const environment = environments.get(environmentId);
  if (environment === undefined) throw new Error(`There is no environment ${environmentId}`);
  current = environment;
  running = requestId;
  report({ type: 'started', requestId });
  process.env = environment.variables;
  const context = {
    awsRequestId: requestId,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn,
    memoryLimitInMB: '512',
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: requestId,
    callbackWaitsForEmptyEventLoop: true,
    // biome-ignore lint/plugin/real-time: it is the clock's here, see `followClock`
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    // Loaded by the first invocation, as a failing initialisation is reported as that invocation's error.
    environment.handler ??= instantiate(environment);
    delete environment.compiled;
    time.check();
    const result = await environment.handler(JSON.parse(payload), context);
    running = undefined;
    report({ type: 'result', requestId, result: JSON.stringify(result ?? null) });
  } catch (error) {
    running = undefined;
    report({ type: 'error', requestId, error: serialized(error) });
  }
  shareCompiled(environment.bundle);
}

const moduleSchema = v.record(v.string(), v.unknown());
const handlerSchema = v.function();

/** The bundle, once it was needed. */
let script: vm.Script | undefined;
let isShared = false;

/** A new instance of the bundle, which shares no state with others. */
function instantiate({ bundle, exportName, compiled }: Environment): Handler {
  script ??= scriptOf(bundle, compiled);
  isShared ||= compiled !== undefined;
  const instance = { exports: {} };
  const run = v.parse(v.function(), script.runInThisContext());
  run(instance.exports, createRequire(bundle), instance, bundle, dirname(bundle));
  return v.parse(handlerSchema, v.parse(moduleSchema, instance.exports)[exportName]);
}

/** A bundle as Node's own loader wraps CommonJS modules. */
function scriptOf(bundle: string, cachedData: Uint8Array | undefined): vm.Script {
  const source = `(function (exports, require, module, __filename, __dirname) { ${readFileSync(bundle, 'utf8')}\n})`;
  return new vm.Script(source, {
    filename: bundle,
    ...(cachedData !== undefined && { cachedData }),
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

/** After the first invocation, when most of the bundle is compiled that will be: other threads need not do it again. */
function shareCompiled(bundle: string): void {
  if (isShared || script === undefined) return;
  isShared = true;
  report({ type: 'compiled', bundle, compiled: script.createCachedData() });
}

/** An error as the Lambda runtime for Node reports it: the name that the machine matches, and nothing of its other fields. */
function serialized(error: unknown) {
  if (!(error instanceof Error))
    return JSON.stringify({ errorType: typeof error, errorMessage: String(error), trace: [] });
  const { name, message, stack = '' } = error;
  return JSON.stringify({ errorType: name, errorMessage: message, trace: stack.split('\n') });
}
