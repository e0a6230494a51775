// What the tests cost: runs them once, as `npm test` does and with its arguments, and says where their processor time went, by
// test file and by cause, and how much memory they took. `--json` makes it one document; the tests' own words go to stderr then.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import * as v from 'valibot';
import { makeTemporaryFolder } from '../build/temporary-folder.ts';
import { profileSchema, selfTimes } from './profile.ts';
import { type Cause, causeOf, causes, type ThreadKind } from './tests-causes.ts';
import { folderVariable, type RunRecord, recordsIn } from './tests-record.ts';

const root = resolve(import.meta.dirname, '..');
/** Between samples: each takes a while in every thread, of which there are dozens; a thousand a second made the run take three times as long. */
const intervalMicroseconds = 10_000;

const profileFileSchema = v.pipe(v.string(), v.parseJson(), profileSchema);

const args = process.argv.slice(2).filter((arg) => arg !== '--json');
const isJson = args.length < process.argv.length - 2;
const folder = makeTemporaryFolder(join(tmpdir(), 'bench-tests-'));
try {
  const start = performance.now();
  process.exitCode = await runTests();
  const report = { wallSeconds: (performance.now() - start) / 1000, ...reportOf(recordsIn(folder.path)) };
  process.stdout.write(isJson ? `${JSON.stringify(report, undefined, 2)}\n` : tableOf(report));
} finally {
  folder.remove();
}

/** Runs the tests with a profile of each thread. @returns the exit status */
function runTests(): Promise<number> {
  const profile = ['--cpu-prof', `--cpu-prof-interval=${intervalMicroseconds}`, `--cpu-prof-dir=${folder.path}`];
  const vitest = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', 'bench/tests.config.ts', ...args];
  const child = spawn(process.execPath, [...profile, ...vitest], {
    cwd: root,
    stdio: ['inherit', isJson ? process.stderr : 'inherit', 'inherit'],
    env: { ...process.env, [folderVariable]: folder.path },
  });
  // The end of the tests is ours, and the folder goes only then.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('exit', (code, signal) => done(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
}

interface FileCost {
  file: string;
  tests: number;
  wallSeconds: number;
  /** Of the process that runs it, with all its threads. */
  seconds: number;
  childSeconds: number;
}

type Report = ReturnType<typeof reportOf> & { wallSeconds: number };

function reportOf(records: readonly RunRecord[]) {
  const processes = [...Map.groupBy(records, ({ pid }) => pid).values()];
  const files = processes.flatMap(fileCosts).sort((one, other) => costOf(other) - costOf(one));
  const packagingSeconds = sum(records.filter(isOf('packaged')), ({ childSeconds }) => childSeconds);
  const last = processes.flatMap((own) => own.at(-1) ?? []);
  const seconds = new Map<Cause, number>(causes.map((cause) => [cause, 0]));
  const add = (cause: Cause, more: number) => seconds.set(cause, (seconds.get(cause) ?? 0) + more);
  for (const process of last) {
    for (const [cause, share] of sharesOf(process)) add(cause, share * process.seconds);
  }
  add('packaging', packagingSeconds);
  add(
    'child processes',
    sum(files, ({ childSeconds }) => childSeconds),
  );
  return {
    processorSeconds: sum([...seconds.values()], (each) => each),
    /** What the profiles are scaled to. */
    measured: {
      testProcesses: sum(last.filter(isOf('file')), (process) => process.seconds),
      vitest: sum(last.filter(isOf('vitest')), (process) => process.seconds),
      packagingChildren: packagingSeconds,
      testChildren: sum(files, ({ childSeconds }) => childSeconds),
    },
    causes: [...seconds].map(([cause, each]) => ({ cause, seconds: each })).sort((a, b) => b.seconds - a.seconds),
    files,
    peakMegabytes: sum(last, ({ megabytes }) => megabytes),
    processes: last.length,
  };
}

function isOf<Of extends RunRecord['of']>(of: Of) {
  return (each: RunRecord): each is Extract<RunRecord, { of: Of }> => each.of === of;
}

function costOf({ seconds, childSeconds }: FileCost): number {
  return seconds + childSeconds;
}

/** What each file of a process has used beyond the files before it; the first one's share has the start of the process. */
function fileCosts(records: readonly RunRecord[]): FileCost[] {
  return records.filter(isOf('file')).map((each, index, all) => {
    const before = all[index - 1];
    return {
      file: relative(root, each.file),
      tests: each.tests,
      wallSeconds: each.wallSeconds,
      seconds: each.seconds - (before?.seconds ?? 0),
      childSeconds: each.childSeconds - (before?.childSeconds ?? 0),
    };
  });
}

/** The causes of what a process was busy with, as its threads' profiles show it: parts of 1. */
function sharesOf({ pid, of }: RunRecord): [cause: Cause, share: number][] {
  const times = new Map<Cause, number>();
  for (const name of readdirSync(folder.path)) {
    const [, profilePid, thread] = /^CPU\.\d+\.\d+\.(\d+)\.(\d+)\.\d+\.cpuprofile$/.exec(name) ?? [];
    if (Number(profilePid) !== pid) continue;
    const kind: ThreadKind = of === 'file' ? (thread === '0' ? 'tests' : 'functions') : 'vitest';
    const profile = v.safeParse(profileFileSchema, readFileSync(join(folder.path, name), 'utf8'));
    // A process that was killed may have left a part of one.
    if (!profile.success) continue;
    for (const { stack, microseconds } of selfTimes(profile.output)) {
      const cause = causeOf(stack, kind);
      if (cause !== undefined) times.set(cause, (times.get(cause) ?? 0) + microseconds);
    }
  }
  const total = sum([...times.values()], (time) => time);
  if (total === 0) return [['without a profile', 1]];
  return [...times].map(([cause, time]) => [cause, time / total]);
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function tableOf({ processorSeconds, measured, causes, files, ...rest }: Report): string {
  const number = (value: number, width = 9, digits = 1) => value.toFixed(digits).padStart(width);
  const share = (value: number) => `${number((100 * value) / processorSeconds, 7)} %`;
  const rows = [
    '',
    `Processor time ${processorSeconds.toFixed(1)} s (user and system, all threads) in ${rest.wallSeconds.toFixed(1)} s:`,
    `  processes of test files ${measured.testProcesses.toFixed(1)} s, their child processes ${measured.testChildren.toFixed(1)} s,`,
    `  vitest ${measured.vitest.toFixed(1)} s, child processes that package ${measured.packagingChildren.toFixed(1)} s.`,
    `Memory at most ${rest.peakMegabytes.toFixed(0)} MB: the sum of the peaks of ${rest.processes} processes, without child processes of tests.`,
    '',
    'seconds    share  cause (shares of the profiles without idle time, scaled to the time of each process)',
    ...causes.map(({ cause, seconds }) => `${number(seconds, 7)} ${share(seconds)}  ${cause}`),
    '',
    'seconds  children     wall  tests  file (the first ones of a process have its start)',
    ...files.map(
      ({ file, tests, wallSeconds, seconds, childSeconds }) =>
        `${number(seconds, 7, 2)} ${number(childSeconds, 9, 2)}${number(wallSeconds, 9, 2)} ${String(tests).padStart(6)}  ${file}`,
    ),
  ];
  return `${rows.join('\n')}\n`;
}
