// How many whole onboardings a second the sandbox completes, from its package, on real time: 1, 10 and 50 at the same time, each of a
// subscriber of its own. Then where the time of the last run went: processor time of the main thread (the services and the
// machine) and of the functions' workers, and the main thread's profile by package or file.

import { Session } from 'node:inspector/promises';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { packageForSandbox } from '../build/package.ts';
import { connect } from '../cli/aws/executions.ts';
import { sandboxAt } from '../cli/target/target.ts';
import { bootSandbox, type Sandbox } from '../sandbox/boot.ts';
import type { Execution } from '../sandbox/services/states/execution.ts';
import { cpuSeconds, placeOf, selfTimes } from './profile.ts';

const runs = [
  { concurrency: 1, count: 20 },
  { concurrency: 10, count: 100 },
  { concurrency: 50, count: 300 },
];
/** The executions that run, and what to call at their ends: one timer sees them from inside, so that no polling is measured. */
const running = new Map<Execution, () => void>();
const watch = setInterval(() => {
  for (const [execution, end] of running) {
    if (execution.status === 'RUNNING') continue;
    running.delete(execution);
    end();
  }
}, 2);
let subscribers = 0;
const sandbox = await bootSandbox({ packageFolder: await packageForSandbox(), resourceDelayMs: 1 });
try {
  const { sfn } = connect(sandboxAt(sandbox.endpoint));
  // What is cold at first is not what is asked.
  await runAll({ concurrency: 10, count: 20 });
  for (const run of runs) {
    const seconds = await runAll(run);
    const rate = (run.count / seconds).toFixed(1);
    print(`${String(run.concurrency).padStart(3)} at once: ${rate.padStart(6)} onboardings a second`);
  }
  const last = runs.at(-1);
  if (last !== undefined) await profiled(last.count, () => runAll(last));
  print(`Memory at most: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`);

  /** Onboards `count` subscribers, `concurrency` at the same time. @returns the seconds it took */
  async function runAll({ concurrency, count }: { concurrency: number; count: number }): Promise<number> {
    const start = performance.now();
    let started = 0;
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        while (started < count) {
          started += 1;
          await onboard(sandbox);
        }
      }),
    );
    return (performance.now() - start) / 1000;
  }

  async function onboard({ stateMachineArn, states }: Sandbox): Promise<void> {
    subscribers += 1;
    const input = { subscriber: { userName: `bench-${subscribers}`, emailId: 'mlops@bench.example' } };
    const { executionArn } = await sfn.send(
      new StartExecutionCommand({ stateMachineArn, name: `bench-${subscribers}`, input: JSON.stringify(input) }),
    );
    const execution = states.executions().find((candidate) => candidate.executionArn === executionArn);
    if (execution !== undefined) await new Promise<void>((end) => running.set(execution, end));
    if (execution?.status !== 'SUCCEEDED')
      throw new Error(`bench-${subscribers} ended ${execution?.status}: ${execution?.cause}`);
  }
} finally {
  clearInterval(watch);
  await sandbox.close();
}

async function profiled(count: number, run: () => Promise<number>): Promise<void> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  const before = { all: process.cpuUsage(), main: process.threadCpuUsage() };
  const seconds = await run();
  const all = cpuSeconds(process.cpuUsage(before.all));
  const main = cpuSeconds(process.threadCpuUsage(before.main));
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();

  const share = (part: number) => `${((1000 * part) / count).toFixed(1)} ms`;
  print(
    `Processor time of an onboarding: ${share(main)} of the main thread, ${share(all - main)} of the workers and Node's own threads`,
  );
  print(`The main thread in ${seconds.toFixed(1)} s with the profiler on:`);
  const times = new Map<string, number>();
  for (const { stack, microseconds } of selfTimes(profile)) {
    const place = placeOf(stack[0]);
    times.set(place, (times.get(place) ?? 0) + microseconds);
  }
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  for (const [place, time] of [...times].toSorted(([, a], [, b]) => b - a).slice(0, 14)) {
    print(`${((100 * time) / total).toFixed(1).padStart(6)} %  ${place}`);
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
