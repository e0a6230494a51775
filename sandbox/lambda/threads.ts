import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import * as v from 'valibot';
import { type Order, reportSchema } from './messages.ts';

/** A worker thread that runs functions of any sandbox of this process. */
export interface Thread {
  readonly worker: Worker;
  /** The bundles that it has run. */
  readonly bundles: Set<string>;
  /** False until it has run anything: one that ends before has a defect. */
  hasRun: boolean;
  /** False once it has ended. */
  isAlive: boolean;
  isBusy: boolean;
  send(order: Order): void;
}

/** Threads, of this process. They outlive a sandbox: to start one, and to compile what it runs, takes longer than most invocations. */
const threads = new Set<Thread>();

/** How many threads are kept that have nothing to do. Each takes some 30 MB with what it has compiled. */
const maxIdle = 8;

const idleThreads = () => [...threads].filter(({ isAlive, isBusy }) => isAlive && !isBusy);

/** Takes a thread that has nothing to do, if there is one that has run the bundle, or starts one. Give it back with `release`. */
export function takeThread(bundle: string): Thread {
  const idle = idleThreads();
  const thread = idle.find(({ bundles }) => bundles.has(bundle)) ?? idle[0] ?? startThread();
  thread.bundles.add(bundle);
  return occupy(thread);
}

/** Takes this thread, which must have nothing to do. */
export function occupy(thread: Thread): Thread {
  thread.isBusy = true;
  thread.worker.ref();
  return thread;
}

/** Gives a thread back for the next invocation. */
export function release(thread: Thread): void {
  thread.isBusy = false;
  // What has nothing to do must not keep the process alive.
  thread.worker.unref();
  const last = idleThreads()[maxIdle];
  if (last !== undefined) void last.worker.terminate();
}

/** What V8 has compiled of bundles in any thread, by their paths. */
const compiledBundles = new Map<string, Uint8Array<ArrayBuffer>>();

export const compiledBundle = (bundle: string) => compiledBundles.get(bundle);

/** The code of a thread in one script, made once in a process: to load its TypeScript modules takes each thread 90 ms more. */
let workerCode: string | undefined;

function bundleWorker(): string {
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, 'worker.ts')],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  return outputFiles.map(({ text }) => text).join();
}

function startThread(): Thread {
  workerCode ??= bundleWorker();
  const worker = new Worker(workerCode, {
    eval: true,
    // Young objects may take 48 MB of a worker otherwise, before any garbage is collected.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  const thread: Thread = {
    worker,
    bundles: new Set(),
    hasRun: false,
    isAlive: true,
    isBusy: false,
    send: (order) => worker.postMessage(order),
  };
  threads.add(thread);
  worker.on('message', (message: unknown) => {
    const report = v.parse(reportSchema, message);
    thread.hasRun = true;
    if (report.type === 'compiled') compiledBundles.set(report.bundle, new Uint8Array(report.compiled));
  });
  worker.on('exit', () => {
    thread.isAlive = false;
    threads.delete(thread);
  });
  // The exit follows; without a listener the error would end the sandbox.
  worker.on('error', () => {
    thread.isAlive = false;
  });
  return thread;
}
