// Has moto's interpreter of the Amazon States Language, which is no part of the project, replay what the sandbox's has run.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packageForSandbox } from '../../build/package.ts';
import { makeTemporaryFolder } from '../../build/temporary-folder.ts';
import { edgesOf, statesOf } from './definition.ts';
import { realRuns } from './real-runs.ts';
import { takenEdges } from './recorded-run.ts';
import { scriptedRun } from './scripted-run.ts';
import { scriptsOf } from './scripts.ts';

const root = resolve(import.meta.dirname, '..', '..');
const python = 'python3';
const hasMoto = () =>
  spawnSync(python, ['-c', 'import moto.stepfunctions.parser.asl.parse.asl_parser'], { stdio: 'ignore' }).status === 0;

async function main(): Promise<void> {
  const { runs, machines } = await realRuns(await packageForSandbox());
  for (const machine of machines) {
    for (const script of scriptsOf(machine)) runs.push(await scriptedRun(machine.name, machine.definition, script));
  }
  // A way that no run has taken, nobody has given an opinion on.
  const taken = new Map(machines.map(({ name }) => [name, new Set<string>()]));
  for (const run of runs) for (const edge of takenEdges(run)) taken.get(run.machine)?.add(edge);
  const untaken = machines.flatMap(({ name, definition }) =>
    [...edgesOf(statesOf(definition))].filter((edge) => !taken.get(name)?.has(edge)).map((edge) => `${name}: ${edge}`),
  );
  for (const edge of untaken) process.stdout.write(`no run goes this way: ${edge}\n`);

  const folder = makeTemporaryFolder(join(root, '.sandbox', 'second-opinion-'));
  const file = join(folder.path, 'runs.json');
  const definitions = Object.fromEntries(machines.map(({ name, definition }) => [name, definition]));
  writeFileSync(file, JSON.stringify({ definitions, runs }));
  const { status } = spawnSync(python, [join(import.meta.dirname, 'replay.py'), file], { stdio: 'inherit' });
  if (status !== 0 || untaken.length > 0) process.exitCode = 1;
}

if (hasMoto()) await main();
else process.stdout.write("moto is not on this machine: no second opinion on the machines' runs\n");
