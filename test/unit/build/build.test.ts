import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildFunctions, bundleOptions, functionNames } from '../../../build/build.ts';
import { casesInScope } from '../../scope.ts';

const root = resolve(import.meta.dirname, '../../..');
const names = await functionNames();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundles-'));
  await buildFunctions(join(folder, 'present'));
});
afterAll(() => rm(folder, { recursive: true }));

it('makes a bundle per function', () => {
  expect(readdirSync(join(folder, 'present')).sort()).toEqual(names.map((name) => `${name}.cjs`).sort());
});

// plan-request does what the first steps of all machines do, and delays none of them.
const limitKb = (name: string) => (name === 'plan-request' ? 520 : 450);

it.each(names.map((name) => [limitKb(name), name] as const))('makes a bundle of at most %i KB of %s', (kb, name) => {
  expect(statSync(join(folder, 'present', `${name}.cjs`)).size).toBeLessThanOrEqual(kb * 1024);
});

// They are installed from the npm registry, as the project itself is.
it.each(casesInScope(readdirSync(join(import.meta.dirname, 'sdk-releases')), []))(
  'makes bundles that load with the SDK of %s',
  async (date) => {
    const { warnings } = await build({
      ...bundleOptions,
      entryPoints: names.map((name) => join(root, 'functions', name, 'handler.ts')),
      outdir: join(folder, date),
      plugins: [...bundleOptions.plugins, sdkFrom(installed(date))],
    });
    expect(warnings).toEqual([]);
    const require = createRequire(import.meta.url);
    for (const name of names) {
      const bundle = join(folder, date, name, 'handler.cjs');
      expect(require(bundle), name).toEqual({ handler: expect.any(Function) });
    }
  },
);

/** Installs a release of the SDK, once. @returns its folder */
function installed(date: string): string {
  const source = join(import.meta.dirname, 'sdk-releases', date);
  const target = join(root, '.sandbox', 'sdk-releases', date);
  const stamp = join(target, 'node_modules', '.installed-lock');
  const lock = readFileSync(join(source, 'package-lock.json'), 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return target;
  mkdirSync(target, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(source, file), join(target, file));
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: target, stdio: 'ignore' });
  writeFileSync(stamp, lock);
  return target;
}

/** Resolves what the functions import of the SDK in another folder. */
function sdkFrom(resolveDir: string): Plugin {
  return {
    name: 'sdk-release',
    setup({ onResolve, resolve: resolveIn }) {
      // The resolution asks the plugin again, then from that folder.
      onResolve({ filter: /^@(aws-sdk|smithy)\// }, ({ path, importer, kind, resolveDir: from }) =>
        from === resolveDir || importer.includes('node_modules') ? undefined : resolveIn(path, { resolveDir, kind }),
      );
    },
  };
}
