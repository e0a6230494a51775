import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { buildSync } from 'esbuild';
import * as v from 'valibot';
import { type Order, reportSchema } from './messages.ts';

/** A worker thread that runs one bundle, for any sandbox of this process. */
export interface Thread {
  readonly worker: Worker;
  readonly bundle: string;
  /** False until it has run anything: one that ends before has a defect. */
  hasRun: boolean;
  /** False once it has ended. */
  isAlive: boolean;
  isBusy: boolean;
  send(order: Order): void;
}

/** Threads, of this process. They outlive a sandbox: to start one, and to compile what it runs, takes longer than most invocations. */
const threads = new Set<Thread>();

/** How many threads are kept that have nothing to do: some for each function. Each takes some 15 MB. */
const maxIdle = 40;

const idleThreads = () => [...threads].filter(({ isAlive, isBusy }) => isAlive && !isBusy);

/** Takes a thread of the bundle that has nothing to do, or starts one. Give it back with `release`. */
export function takeThread(bundle: string): Thread {
  return occupy(idleThreads().find((thread) => thread.bundle === bundle) ?? startThread(bundle));
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
  const [first, ...others] = idleThreads();
  if (others.length >= maxIdle) void first?.worker.terminate();
}

/** What V8 has compiled of bundles in any thread, by their paths. */
const compiledBundles = new Map<string, Uint8Array<ArrayBuffer>>();

/** What V8 has compiled of a bundle, for a thread that is new to it; undefined when none has run it yet. */
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

function startThread(bundle: string): Thread {
  workerCode ??= bundleWorker();
  const worker = new Worker(workerCode, {
    eval: true,
    // Young objects may take 48 MB of a worker otherwise, before any garbage is collected.
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  });
  const thread: Thread = {
    worker,
    bundle,
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
