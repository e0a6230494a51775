import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cuts } from '../../scripts/aliases/cuts.ts';
import { buildFunctions, bundleOptions, functionNames } from '../../scripts/build.ts';

const root = resolve(import.meta.dirname, '../..');
const names = await functionNames();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundles-'));
  await buildFunctions(folder);
});
afterAll(() => rm(folder, { recursive: true }));

it('makes a bundle per function', () => {
  expect(readdirSync(folder).sort()).toEqual(names.map((name) => `${name}.cjs`).sort());
});

it.each(names)('makes a bundle of at most 200 KB of %s', (name) => {
  expect(statSync(join(folder, `${name}.cjs`)).size).toBeLessThanOrEqual(200 * 1024);
});

it('cuts nothing that no bundle has', async () => {
  const { metafile } = await build({
    ...bundleOptions,
    entryPoints: names.map((name) => join(root, 'functions', name, 'handler.ts')),
    outdir: folder,
    write: false,
    metafile: true,
  });
  const modules = Object.keys(metafile.inputs).map((path) => path.replace(/^node_modules\//, ''));
  expect(cuts.filter((cut) => !modules.some((module) => cut.modules.test(module)))).toEqual([]);
});
