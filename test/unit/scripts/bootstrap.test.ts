import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { casesInScope } from '../../scope.ts';

const root = join(import.meta.dirname, '../../..');
let folder: string;
let started: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bootstrap-'));
  mkdirSync(join(folder, 'scripts'));
  cpSync(join(root, 'scripts/bootstrap.mjs'), join(folder, 'scripts/bootstrap.mjs'));
  writeFileSync(join(folder, 'package-lock.json'), '{}');
  writeFileSync(join(folder, 'script.mjs'), "process.stdout.write('the script');");
});
afterEach(() => {
  started?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** Runs the bootstrap in a project without dependencies, with a program of this text as npm. */
function bootstrap(npm: string, version?: string) {
  const path = join(folder, 'npm');
  writeFileSync(path, `#!${process.execPath}\n${npm}`);
  chmodSync(path, 0o755);
  const pretend = `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'${version}'}})`;
  const options = version === undefined ? [] : ['--import', pretend];
  const child = spawn(process.execPath, [...options, 'scripts/bootstrap.mjs', 'script.mjs'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}` },
  });
  started = child;
  return { child, said: text(child.stderr), shown: text(child.stdout), ended: once(child, 'exit') };
}

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  'ends by %s only when npm has ended, whose last words then come before the prompt',
  async (signal, status) => {
    const { child, said, ended } = bootstrap(`
    process.on('${signal}', () => setImmediate(() => { console.error('last words'); process.exit(1); }));
    process.kill(process.ppid, '${signal}');
    setTimeout(() => {}, 60_000);`);
    await ended;
    expect(child.exitCode).toBe(status);
    expect(await said).toMatch(/\nlast words\nThe installation was interrupted; the next start repeats it\.\n$/);
  },
);

const versions: [string, boolean][] = [
  ['22.17.1', true],
  ['22.18.0', false],
  // osls, which packages, ends with an error there.
  ['23.11.0', true],
  ['24.0.0', false],
  ['20.19.4', true],
];

it.each(casesInScope(versions, versions.slice(0, 4)))('with Node %s takes another one: %s', async (version, takes) => {
  const { said, ended } = bootstrap("console.error('npm', process.argv[2]); process.exit(1);", version);
  await ended;
  expect(await said).toContain(takes ? '\nnpm install\n' : '\nnpm ci\n');
});

it('runs the script after an installation', async () => {
  const { child, shown, ended } = bootstrap("require('node:fs').mkdirSync('node_modules');");
  await ended;
  expect(child.exitCode).toBe(0);
  expect(await shown).toBe('the script');
});

it.each([
  ['fails', 'process.exit(3);', 'npm ci failed: see above. Is the npm registry reachable?\n'],
  ['is ended by a signal of its own', "process.kill(process.pid, 'SIGKILL');", 'npm ci failed: see above.'],
])('says so when npm %s', async (_, npm, expected) => {
  const { child, said, ended } = bootstrap(npm);
  await ended;
  expect(child.exitCode).toBe(1);
  expect(await said).toContain(expected);
});
