// Bundles the command as the package has it: it runs without the sources and without dependencies. Two files, so that what prints
// help and refuses wrong usage does not wait until the SDK's code is read; `docs/cli.md` has what that saves.

import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const commandsFolder = join(root, 'cli/commands');

/** The code that makes Node keep what V8 makes of the second file, when that is loaded. */
const cached = [
  "const{homedir}=require('node:os'),{join}=require('node:path');",
  "require('node:module').enableCompileCache?.(join(process.env.XDG_CACHE_HOME||join(homedir(),'.cache'),'infinstor-onboarding'));",
].join('');

/** A command's module is a part of the second file. */
const inSecondFile: Plugin = {
  name: 'in-second-file',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/commands\/[\w/-]+\.ts$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, namespace: 'command' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'command' }, ({ path }) => ({
      contents: `${cached}module.exports = require('./commands.cjs')[${JSON.stringify(path.slice(2))}];`,
    }));
    onResolve({ filter: /^\.\/commands\.cjs$/ }, ({ path }) => ({ path, external: true }));
  },
};

/** What only a clone can do needs the sources, which the package does not have. */
const onlyInClones: Plugin = {
  name: 'only-in-clones',
  setup({ onResolve }) {
    onResolve({ filter: /\/(build|scripts)\/[\w-]+\.ts$|\/sandbox\/boot\.ts$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    );
  },
};

const options = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  // Not ES modules: an `import` of node:http loads undici.
  format: 'cjs',
  minify: true,
  mainFields: ['module', 'main'],
  conditions: ['module'],
  define: { 'import.meta.dirname': '__dirname' },
  logLevel: 'warning',
} satisfies BuildOptions;

/** Bundles the command into a folder, which is made if it is not there. */
export async function buildCli(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const bin = join(folder, 'infinstor-onboarding.cjs');
  await build({
    ...options,
    entryPoints: ['cli/main.ts'],
    outfile: bin,
    plugins: [onlyInClones, inSecondFile],
    banner: { js: '#!/usr/bin/env node' },
  });
  const files = (await readdir(commandsFolder, { recursive: true })).filter((file) => file.endsWith('.ts')).sort();
  await build({
    ...options,
    stdin: {
      contents: files
        .map((file) => `Object.defineProperty(exports,'commands/${file}',{get:()=>require('./${file}')});`)
        .join('\n'),
      resolveDir: commandsFolder,
    },
    outfile: join(folder, 'commands.cjs'),
    plugins: [onlyInClones],
  });
  await chmod(bin, 0o755);
}

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === import.meta.filename) await buildCli(join(root, 'dist', 'cli'));
