import { randomUUID } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Clock } from '../../core/clock.ts';
import { LambdaError } from '../../core/lambda-error.ts';
import { type Meter, noMeter } from '../../core/meter.ts';
import { type Environment, type LambdaFunction, type Outcome, runInvocation, stepOf } from './invocation.ts';
import { createLogReader, type NewLines } from './log-reader.ts';
import { reportSchema } from './messages.ts';
import { compiledBundle, occupy, release, type Thread, takeThread } from './threads.ts';

export interface LambdaPool {
  /** Adds a function, or puts it in place of the one that has its ARN: what runs of that ends with the old code. */
  add(lambda: LambdaFunction): void;
  /** Deletes a function, if there is one of this ARN; what runs of it ends. */
  remove(functionArn: string): void;
  functions(): readonly LambdaFunction[];
  /** The ARN of a function's role. @throws LambdaError when there is no such function */
  roleOf(functionArn: string): string;
  /** What a function has logged so far; empty when there is no such function. */
  logOf(functionName: string): string;
  /** What functions have logged since this was called last. */
  newLines(): readonly NewLines[];
  /**
   * Invokes a function and returns its result.
   * @throws LambdaError with the name of the error that the handler threw, or `Sandbox.Timedout`, `Runtime.ExitError`
   */
  invoke(functionArn: string, event: unknown): Promise<unknown>;
  /** The invocation that runs of a function, or of any one, such as `obtain-token#3`; undefined unless just one does. */
  running(functionName?: string): string | undefined;
  /**
   * Freezes the warm environments of a function that do nothing, for so long that the flows of their connections are dropped:
   * what they write there from now on must reach nobody.
   * @returns the flows' local ports
   */
  freeze(functionArn: string): Promise<number[]>;
  /** Ends what runs of a function in the middle of its work; without a name, what runs of every function. */
  kill(functionName?: string): void;
  /** After the clock was turned forward: lets what runs notice, and settles when the timers that came due have run. */
  catchUp(): Promise<void>;
  close(): Promise<void>;
}

/**
 * How many invocations of a function run at the same time; further ones wait, where AWS would throttle. Each costs a
 * thread, so that more than the machine has processors for would only make all of them slower.
 */
const maxConcurrency = Math.max(2, availableParallelism());

const errorSchema = v.object({ errorType: v.string() });

interface Entry {
  lambda: LambdaFunction;
  /** Those that it has, in threads that may be busy with another function. */
  environments: Environment[];
  /** Those that run an invocation, and the how many-th of the function it is. */
  busy: Map<Environment, number>;
  /** How many invocations have begun. */
  invocations: number;
  /** Up to which of them a call may be that of an earlier one, which has died: its calls can still be on their way. */
  unsureUntil: number;
  /** Called at the end of one of its invocations. */
  waiting: (() => void)[];
}

interface Parts {
  clock: Clock;
  logFolder: string;
  /** Hears of invocations, where the function is; default: nobody does. */
  meterOf?: (functionArn: string) => Meter;
}

/**
 * Runs the packaged bundles in threads, one invocation at a time each, and writes what they log to a file per function. An
 * environment stays warm until its thread ends.
 */
export function createLambdaPool({ clock, logFolder, meterOf = () => noMeter }: Parts): LambdaPool {
  const functions = new Map<string, Entry>();
  let closed = false;

  const readNew = createLogReader();
  const logFileOf = ({ functionName }: LambdaFunction) => join(logFolder, `${functionName}.log`);

  function entryOf(functionArn: string): Entry {
    const entry = functions.get(functionArn);
    if (entry !== undefined) return entry;
    throw new LambdaError('Lambda.ResourceNotFoundException', `Function not found: ${functionArn}`);
  }

  /** A warm environment whose thread has nothing to do, or a new one. */
  function takeEnvironment(entry: Entry): Environment {
    if (closed) throw new LambdaError('Lambda.ServiceException', 'The sandbox is closed');
    // What a handler leaves running can end its thread between two invocations.
    entry.environments = entry.environments.filter(({ thread }) => thread.isAlive);
    const warm = entry.environments.find(({ thread }) => !thread.isBusy);
    if (warm !== undefined) {
      occupy(warm.thread);
      return warm;
    }
    const { bundle, exportName, environment: variables } = entry.lambda;
    const thread = takeThread(bundle);
    const environment = { id: randomUUID(), thread };
    thread.send({
      type: 'prepare',
      environmentId: environment.id,
      environment: {
        bundle,
        exportName,
        // What is sent is copied: half a megabyte, which a thread that has run the bundle does not need.
        compiled: thread.hasRun ? undefined : compiledBundle(bundle),
        variables: { ...variables },
        logFile: logFileOf(entry.lambda),
        clock: clock.shared,
        skipsIdle: clock.skipsIdle,
      },
    });
    entry.environments.push(environment);
    return environment;
  }

  /** Runs an invocation in an environment that it keeps busy meanwhile. @throws LambdaError */
  async function runOnce(entry: Entry, payload: string): Promise<Outcome> {
    for (;;) {
      const environment = takeEnvironment(entry);
      entry.invocations += 1;
      entry.busy.set(environment, entry.invocations);
      let outcome: Outcome | undefined;
      try {
        outcome = await runInvocation(clock, environment, entry.lambda, payload);
      } finally {
        entry.busy.delete(environment);
        // After an error of the handler the environment stays warm, as in AWS.
        if (outcome !== undefined) {
          release(environment.thread);
          if (functions.get(entry.lambda.functionArn) !== entry) forget([environment]);
        } else {
          entry.unsureUntil = entry.invocations + maxConcurrency;
          void environment.thread.worker.terminate();
        }
        entry.waiting.shift()?.();
      }
      if (outcome !== undefined) return outcome;
    }
  }

  /** Lambda developer guide, "Types of metrics for Lambda functions", by the function and over all. */
  function count({ functionArn, functionName }: LambdaFunction, duration: number, hasFailed: boolean): void {
    const meter = meterOf(functionArn);
    for (const dimensions of [{ FunctionName: functionName }, {}]) {
      meter('AWS/Lambda', dimensions, { Invocations: 1, Errors: hasFailed ? 1 : 0, Throttles: 0 });
      meter('AWS/Lambda', dimensions, { Duration: duration }, 'Milliseconds');
    }
  }

  function retire(functionArn: string): void {
    const entry = functions.get(functionArn);
    if (entry === undefined) return;
    functions.delete(functionArn);
    forget(entry.environments.filter((environment) => environment.thread.isAlive && !entry.busy.has(environment)));
  }

  return {
    remove: retire,
    add(lambda) {
      retire(lambda.functionArn);
      // Also of a function that never runs.
      appendFileSync(logFileOf(lambda), '');
      functions.set(lambda.functionArn, {
        lambda,
        environments: [],
        busy: new Map(),
        invocations: 0,
        unsureUntil: 0,
        waiting: [],
      });
    },
    functions: () => [...functions.values()].map(({ lambda }) => lambda),
    logOf(functionName) {
      const entry = [...functions.values()].find(({ lambda }) => lambda.functionName === functionName);
      return entry === undefined ? '' : readFileSync(logFileOf(entry.lambda), 'utf8');
    },
    newLines: () => [...functions.values()].map(({ lambda }) => readNew(lambda.functionName, logFileOf(lambda))),
    roleOf: (functionArn) => entryOf(functionArn).lambda.roleArn,
    async invoke(functionArn, event) {
      const entry = entryOf(functionArn);
      // To wait is no work: those that run may be asleep.
      while (entry.busy.size >= maxConcurrency) await new Promise<void>((resolve) => entry.waiting.push(resolve));
      const startedAt = clock.now();
      let hasFailed = true;
      let outcome: Outcome;
      try {
        outcome = await runOnce(entry, JSON.stringify(event));
        hasFailed = outcome.type === 'error';
      } finally {
        count(entry.lambda, clock.now() - startedAt, hasFailed);
      }
      if (outcome.type === 'result') return JSON.parse(outcome.result);
      throw new LambdaError(v.parse(errorSchema, JSON.parse(outcome.error)).errorType, outcome.error);
    },
    running(functionName) {
      const [first, ...others] = [...functions.values()].filter(
        ({ lambda, busy }) => busy.size > 0 && (functionName === undefined || lambda.functionName === functionName),
      );
      const [invocation, another] = first?.busy.values() ?? [];
      if (first === undefined || others.length > 0 || another !== undefined) return undefined;
      return invocation === undefined || invocation <= first.unsureUntil
        ? undefined
        : `${stepOf(first.lambda)}#${invocation}`;
    },
    async freeze(functionArn) {
      const { environments, busy } = entryOf(functionArn);
      const frozen = environments.filter((environment) => environment.thread.isAlive && !busy.has(environment));
      return (await Promise.all(frozen.map(freeze))).flat();
    },
    kill(functionName) {
      for (const { lambda, busy } of functions.values()) {
        if (functionName !== undefined && functionName !== lambda.functionName) continue;
        for (const { thread } of busy.keys()) void thread.worker.terminate();
      }
    },
    async catchUp() {
      const running = [...functions.values()].flatMap(({ busy }) => [...busy.keys()]);
      await Promise.all(running.map(({ thread }) => catchUp(thread)));
    },
    async close() {
      closed = true;
      const entries = [...functions.values()];
      // Nobody waits for what would run now.
      for (const { waiting } of entries) waiting.length = 0;
      const busy = entries.flatMap((entry) => [...entry.busy.keys()]);
      await Promise.all(busy.map(({ thread }) => thread.worker.terminate()));
      forget(entries.flatMap((entry) => entry.environments));
    },
  };
}

/** Lets threads drop environments that are not used any more. */
function forget(environments: readonly Environment[]): void {
  for (const [thread, own] of Map.groupBy(environments, (environment) => environment.thread)) {
    thread.send({ type: 'forget', environmentIds: own.map(({ id }) => id) });
  }
}

/** The local ports of the flows that the environment had open; none when its thread has ended. */
async function freeze({ id, thread: { worker, send } }: Environment): Promise<readonly number[]> {
  const { promise, resolve } = Promise.withResolvers<readonly number[]>();
  const onMessage = (message: unknown) => {
    const report = v.parse(reportSchema, message);
    if (report.type === 'frozen' && report.environmentId === id) resolve(report.ports);
  };
  const onExit = () => resolve([]);
  worker.on('message', onMessage).once('exit', onExit);
  send({ type: 'freeze', environmentId: id });
  const ports = await promise;
  worker.off('message', onMessage).off('exit', onExit);
  return ports;
}

/** Settles when the thread has caught up with the clock, or has ended. */
async function catchUp({ worker, send }: Thread): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onMessage = (message: unknown) => {
    if (v.parse(reportSchema, message).type === 'caught up') resolve();
  };
  worker.on('message', onMessage).once('exit', resolve);
  send({ type: 'catch up' });
  await promise;
  worker.off('message', onMessage).off('exit', resolve);
}
