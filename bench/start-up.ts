// What the packed command costs before it does anything: `--help`, and `list` on a sandbox, which makes two calls, as ratios to a Node
// that does nothing. Medians of fresh processes, taken in turns. Processor time has no network in it; the time on the clock has, and so
// has what this computer does beside. The bar, 1.5, is for the processor time of `--help`; docs/cli.md says what stands in the way for `list`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import { packageForSandbox } from '../build/package.ts';
import { bootSandbox } from '../sandbox/boot.ts';
import { account, operator } from '../sandbox/core/account.ts';
import { buildCli } from '../scripts/build-cli.ts';

const rounds = 20;
const folder = await mkdtemp(join(tmpdir(), 'start-up-'));
const bin = join(folder, 'infinstor-onboarding.cjs');
/** Loaded before all else, it says at the end what the process has cost. */
const preload = join(folder, 'preload.cjs');
const costSchema = v.pipe(v.string(), v.parseJson(), v.object({ user: v.number(), system: v.number() }));

const variants = [
  { name: 'node -e 0', args: ['-e', '0'] },
  { name: '--help', args: [bin, '--help'] },
  { name: 'list --help', args: [bin, 'list', '--help'] },
  { name: 'list', args: [bin, 'list', '--stage', 'sandbox'] },
] as const;

interface Cost {
  processor: number;
  clock: number;
}

const sandbox = await bootSandbox({ packageFolder: await packageForSandbox(), schedules: false });
try {
  await buildCli(folder);
  await writeFile(
    preload,
    "process.on('exit', () => require('node:fs').writeSync(3, JSON.stringify(process.cpuUsage())));",
  );
  for (const file of (await readdir(folder)).filter((name) => /^(?!preload).*\.cjs$/.test(name))) {
    process.stdout.write(`${file}  ${Math.round((await stat(join(folder, file))).size / 1024)} KB\n`);
  }
  const costs = new Map<string, Cost[]>(variants.map(({ name }) => [name, []]));
  // Once without being counted: V8's code is kept then, as it is after the first use of a command.
  for (const { args } of variants) await costOf(args);
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, args } of variants) costs.get(name)?.push(await costOf(args));
  }
  print(costs);
} finally {
  await sandbox.close();
  await rm(folder, { recursive: true });
}

async function costOf(args: readonly string[]): Promise<Cost> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--require', preload, ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      AWS_ENDPOINT_URL: sandbox.endpoint,
      AWS_REGION: account.region,
      AWS_ACCESS_KEY_ID: operator.accessKeyId,
      AWS_SECRET_ACCESS_KEY: operator.secretAccessKey,
    },
  });
  const [said] = child.stdio.slice(3);
  if (!(said && 'read' in said)) throw new Error('The process has no third pipe');
  const [cost, [status]] = await Promise.all([text(said), once(child, 'exit')]);
  if (status !== 0) throw new Error(`${args.join(' ')} has ended with status ${status}`);
  const { user, system } = v.parse(costSchema, cost);
  return { processor: (user + system) / 1000, clock: performance.now() - startedAt };
}

function print(costs: ReadonlyMap<string, readonly Cost[]>): void {
  const medians = [...costs].map(([name, all]) => ({
    name,
    processor: median(all.map(({ processor }) => processor)),
    clock: median(all.map(({ clock }) => clock)),
  }));
  const [bare] = medians;
  if (bare === undefined) return;
  for (const { name, processor, clock } of medians) {
    const ratios = [processor / bare.processor, clock / bare.clock].map((ratio) => ratio.toFixed(2));
    process.stdout.write(
      `${name.padEnd(12)} processor ${processor.toFixed(0).padStart(4)} ms, ${ratios[0]} times; clock ${clock.toFixed(0).padStart(4)} ms, ${ratios[1]} times\n`,
    );
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
