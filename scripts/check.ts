import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** The static checks, in the order of what is most useful to know first. */
const checks: readonly [name: string, script: string, ...parameters: string[]][] = [
  ['types', 'node_modules/typescript/bin/tsc', '-p', '.'],
  ['lint and format', 'node_modules/@biomejs/biome/bin/biome', 'ci', '--error-on-warnings', '.'],
  ['unused code and dependencies', 'node_modules/knip/bin/knip.js'],
];

for (const [name, script, ...parameters] of checks) {
  process.stdout.write(`${name} …\n`);
  const { status } = spawnSync(process.execPath, [resolve(root, script), ...parameters], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(1);
}
