import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type BuildOptions, buildSync } from 'esbuild';

const root = resolve(import.meta.dirname, '..');

/** How a handler becomes a bundle. */
export const bundleOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  minify: true,
  // The SDK's ES modules, which can be tree-shaken, rather than the CommonJS that `platform: node` prefers.
  mainFields: ['module', 'main'],
  conditions: ['module'],
  alias: {
    '@aws-sdk/credential-provider-node': './scripts/aliases/credentials.ts',
    'node:http': './scripts/aliases/node-http.ts',
  },
  logLevel: 'warning',
} satisfies BuildOptions;

/** Bundles every `functions/<step>/handler.ts` into `<outdir>/<step>.cjs`, as the Lambda runtime of Node 24 runs it. */
export async function buildFunctions(outdir: string): Promise<void> {
  const steps = (await readdir(join(root, 'functions'), { withFileTypes: true })).filter(
    (entry) => entry.isDirectory() && entry.name !== 'shared',
  );
  // The other form leaves a service process behind for as long as this one runs.
  buildSync({
    ...bundleOptions,
    entryPoints: steps.map(({ name }) => ({ in: join('functions', name, 'handler.ts'), out: name })),
    outdir,
  });
}
