import { appendFileSync, cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionNames } from '../../../build/build.ts';
import { keyFiles, packageKey } from '../../../build/package-key.ts';

const root = resolve(import.meta.dirname, '../../..');
let copy = '';
/** The key of the project, which nobody changes. */
let unchanged = '';
beforeAll(() => {
  unchanged = keyOf(root);
  copy = mkdtempSync(join(tmpdir(), 'package-key-'));
  for (const file of keyFiles(root)) cpSync(join(root, file), join(copy, file));
});
afterAll(() => rmSync(copy, { recursive: true }));

const keyOf = (folder: string) => packageKey(folder, 'sandbox', { repairKeyPolicies: 'true' });

describe('packageKey', () => {
  it('is the same for the same content, wherever it lies', () => {
    expect(keyOf(copy)).toBe(keyOf(root));
  });

  it.each([
    'functions/accept-request/handler.ts',
    'deployment/accounts.cjs',
    'functions/detect-key-policy-drift/function.yml',
    'statemachine/onboard-subscriber.asl.json',
    'statemachine/retriers.yml',
    'serverless.yml',
    'stages/default.yml',
    'stages/sandbox.yml',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'build/build.ts',
    'build/package.ts',
    'build/aliases/credentials.ts',
  ])('is another one after an edit of one byte of %s', (file) => {
    const path = join(copy, file);
    const before = readFileSync(path);
    appendFileSync(path, ' ');
    expect(keyOf(copy)).not.toBe(unchanged);
    writeFileSync(path, before);
    expect(keyOf(copy)).toBe(unchanged);
  });

  it('is another one with one file more, and with another name of a file', () => {
    const keys = [keyOf(copy)];
    writeFileSync(join(copy, 'functions/new.ts'), '');
    keys.push(keyOf(copy));
    renameSync(join(copy, 'functions/new.ts'), join(copy, 'functions/newer.ts'));
    keys.push(keyOf(copy));
    rmSync(join(copy, 'functions/newer.ts'));
    expect(new Set(keys).size).toBe(3);
    expect(keyOf(copy)).toBe(unchanged);
  });

  it('is another one for another stage and other params, in whatever order', () => {
    const keys = [
      packageKey(root, 'sandbox', {}),
      packageKey(root, 'dev', {}),
      packageKey(root, 'sandbox', { verify: 'off' }),
      packageKey(root, 'sandbox', { verify: 'of', f: '' }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    const [oneWay, otherWay] = [
      packageKey(root, 'sandbox', { verify: 'off', keyAccess: 'role-arns' }),
      packageKey(root, 'sandbox', { keyAccess: 'role-arns', verify: 'off' }),
    ];
    expect(oneWay).toBe(otherWay);
  });

  it('stands for every file of the project that the bundles and their build are made of', async () => {
    const handlers = (await functionNames()).map((name) => `functions/${name}/handler.ts`);
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [...handlers, 'build/build.ts'],
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      outdir: copy,
      write: false,
      metafile: true,
    });
    expect(keyFiles(root)).toEqual(expect.arrayContaining(Object.keys(metafile.inputs)));
  });
});
