import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { type BuildOptions, build, type Plugin, stop } from 'esbuild';

const root = resolve(import.meta.dirname, '..');

/** Of its `package.json` a client of the SDK reads the version alone, for the user agent; the rest of it is 2 KB of a bundle for each client. */
const versionsOnly: Plugin = {
  name: 'versions-only',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]@aws-sdk[\\/]client-[\w-]+[\\/]package\.json$/ }, async ({ path }) => {
      const { version } = Object(JSON.parse(await readFile(path, 'utf8')));
      return { loader: 'json', contents: JSON.stringify({ version }) };
    });
  },
};

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
    '@aws-sdk/credential-provider-node': './build/aliases/credentials.ts',
    '@aws-sdk/endpoint-cache': './build/aliases/endpoint-cache.ts',
    'node:http': './build/aliases/node-http.ts',
  },
  plugins: [versionsOnly],
  logLevel: 'warning',
} satisfies BuildOptions;

/** Bundles every `functions/<step>/handler.ts` into `<outdir>/<step>.cjs`, as the Lambda runtime of Node 24 runs it. */
export async function buildFunctions(outdir: string): Promise<void> {
  await writeBundles(await bundleFunctions(), outdir);
}

/** The file of a function, by its name, and its content. */
export interface Bundle {
  name: string;
  contents: Uint8Array;
}

/** Bundles every `functions/<step>/handler.ts`. @throws Error with all that esbuild reported */
export async function bundleFunctions(): Promise<Bundle[]> {
  const names = await functionNames();
  builds += 1;
  try {
    const { outputFiles } = await build({
      ...bundleOptions,
      entryPoints: names.map((name) => ({ in: join('functions', name, 'handler.ts'), out: name })),
      // Where nothing is written: esbuild wants a folder for the names of several files.
      outdir: 'dist',
      // esbuild's own process could still write after this one has ended, and removed the folder.
      write: false,
    });
    return outputFiles.map(({ path, contents }) => ({ name: basename(path), contents }));
  } finally {
    builds -= 1;
    // Without it, esbuild's service process stays for as long as this one runs; other builds need it as well.
    if (builds === 0) await stop();
  }
}

/** Writes bundles into a folder, which is made if it is not there. */
export async function writeBundles(bundles: readonly Bundle[], outdir: string): Promise<void> {
  await mkdir(outdir, { recursive: true });
  for (const { name, contents } of bundles) await writeFile(join(outdir, name), contents);
}

/** The builds that run. */
let builds = 0;

/** The functions' names, which are those of their folders. */
export async function functionNames(): Promise<string[]> {
  const entries = await readdir(join(root, 'functions'), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
