import { readFile } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import type { Plugin } from 'esbuild';

const packages = resolve(import.meta.dirname, '../../node_modules');

/** What is left out of modules of packages, as no function can reach it. */
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
 * @throws when something is not where it is cut from: after an update of its package the cut has to be looked at again
 */
export function cut(cuts: readonly Cut[]): Plugin {
  return {
    name: 'cut',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]node_modules[\\/](@aws|@smithy|valibot)/ }, async ({ path }) => {
        const module = relative(packages, path).split(sep).join('/');
        const matching = cuts.filter(({ modules }) => modules.test(module));
        if (matching.length === 0) return undefined;
        const whole = await readFile(path, 'utf8');
        const contents = matching.reduce((text, each) => without(each, text, path), whole);
        return { contents, loader: module.endsWith('.json') ? 'json' : 'js' };
      });
    },
  };
}

function without({ methods = [], instead, reason }: Cut, text: string, path: string): string {
  const replaced = typeof instead === 'function' ? instead(text, path) : (instead ?? text);
  const isMissing = instead !== undefined && replaced === text;
  if (isMissing) throw new Error(`${path} has nothing to leave out any more: has an update changed it? (${reason})`);
  return methods.reduce((rest, method) => withoutMethod(rest, method, path), replaced);
}

function withoutMethod(text: string, method: string, path: string): string {
  // Methods stand four spaces deep, in whatever tsc has written.
  const pattern = new RegExp(
    `^ {4}(?:static )?(?:async )?${method}\\(.*\\) \\{\\n(?:(?! {4}\\}$).*\\n)* {4}\\}\\n`,
    'gm',
  );
  const rest = text.replace(pattern, '');
  if (rest === text) throw new Error(`${path} has no method ${method} any more: has an update changed it?`);
  return rest;
}
