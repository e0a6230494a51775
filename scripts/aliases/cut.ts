import { readFile } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import type { Loader, Plugin } from 'esbuild';

const packages = resolve(import.meta.dirname, '../../node_modules');

/** What is left out of a module of a package, as no function can reach it. */
export interface Cut {
  /** The modules' paths below node_modules; they look as tsc writes them. */
  modules: RegExp;
  /** Why it is safe to leave this out. */
  reason: string;
  /** Methods of the module's classes that nothing calls: bundlers keep every method of a class. */
  methods?: readonly string[];
  /** What stands in for the module. */
  instead?: string | ((contents: string, path: string) => string);
}

/**
 * Cuts modules of packages when they are loaded into a bundle.
 * @throws when a method is not where it is cut from: after an update of its package the cut has to be looked at again
 */
export function cut(cuts: readonly Cut[]): Plugin {
  return {
    name: 'cut',
    setup({ onLoad }) {
      for (const { modules, methods = [], instead } of cuts) {
        // esbuild matches absolute paths, and knows no look-behind: the paths are matched below, once more.
        onLoad({ filter: new RegExp(modules.source.replace(/^\^/, '').replaceAll('\\/', '[\\\\/]').replace('(?!iam)', '')) }, async ({ path }) => {
          const name = relative(packages, path).split(sep).join('/');
          if (!modules.test(name)) return undefined;
          const contents = await readFile(path, 'utf8');
          const replaced = typeof instead === 'function' ? instead(contents, path) : (instead ?? contents);
          const loader: Loader = name.endsWith('.json') ? 'json' : 'js';
          return { contents: methods.reduce((text, method) => withoutMethod(text, method, name), replaced), loader };
        });
      }
    },
  };
}

function withoutMethod(text: string, method: string, module: string): string {
  // Methods stand four spaces deep, in whatever tsc has written.
  const pattern = new RegExp(`^ {4}(?:static )?(?:async )?${method}\\(.*\\) \\{\\n(?:(?! {4}\\}$).*\\n)* {4}\\}\\n`, 'gm');
  const rest = text.replace(pattern, '');
  if (rest === text) throw new Error(`${module} has no method ${method}: has an update moved it? See scripts/aliases/cuts.ts`);
  return rest;
}
