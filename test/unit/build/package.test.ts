import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { packageForSandbox } from '../../../build/package.ts';
import { casesInScope } from '../../scope.ts';

const root = resolve(import.meta.dirname, '../../..');
const deployed = () => (existsSync(join(root, '.serverless')) ? readdirSync(join(root, '.serverless')) : undefined);

describe('packageForSandbox', () => {
  const twice = casesInScope(['two sandboxes'], []);

  it.each(twice)(
    'gives a whole package to %s that start at the same time, and leaves the one to deploy alone',
    async () => {
      const before = deployed();
      // A param that nobody has packaged yet.
      const params = { infinstorMlflowUrl: `https://${randomUUID()}.example` };
      const folders = await Promise.all([packageForSandbox(params), packageForSandbox(params)]);
      onTestFinished(() => {
        for (const folder of folders) rmSync(folder, { recursive: true, force: true });
      });
      const functions = readdirSync(join(root, 'functions'));
      for (const folder of folders) {
        const zips = readdirSync(folder).filter((name) => name.endsWith('.zip'));
        expect(zips).toHaveLength(functions.length);
        expect(existsSync(join(folder, 'cloudformation-template-update-stack.json'))).toBe(true);
      }
      const halfMade = readdirSync(join(root, '.sandbox')).filter((name) =>
        name.startsWith(`packaging-${process.pid}-`),
      );
      expect({ halfMade, deployed: deployed() }).toEqual({ halfMade: [], deployed: before });
    },
  );

  it('gives what was packaged before, and loads nothing that packages', async () => {
    const script = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({
        load(url, context, next) {
          loaded.push(url);
          return next(url, context);
        },
      });
      const { packageForSandbox } = await import('./build/package.ts');
      const folder = await packageForSandbox();
      process.stdout.write(JSON.stringify({ folder, loaded }));
    `;
    // Without the right to start other processes, which osls and esbuild are.
    const rights = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*'];
    const run = promisify(execFile)(process.execPath, [...rights, '--input-type=module', '--eval', script], {
      cwd: root,
    });
    const { stdout } = await run;
    const { folder, loaded } = v.parse(
      v.object({ folder: v.string(), loaded: v.array(v.string()) }),
      JSON.parse(stdout),
    );
    expect(folder).toBe(inject('packageFolder'));
    expect(loaded.filter((url) => url.includes('node_modules'))).toEqual([]);
  });
});
