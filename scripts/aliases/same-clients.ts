import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Plugin } from 'esbuild';

const sharedNamespace = 'same-clients';
const imported = /^import (\w+, )?(\w+|\{[^}]*\}) from ("[^"]+");\n/gm;

/**
 * Bundles code once that the AWS clients have word for word the same, but for the names of their services: their constructors and
 * settings. Each such module becomes a call of a function that is shared by all modules of the same wording, which takes what
 * the module imports from its own client.
 */
export function sameClients(): Plugin {
  return {
    name: sharedNamespace,
    setup({ onLoad, onResolve }) {
      const shared = new Map<string, { contents: string; resolveDir: string }>();
      onResolve({ filter: /^same-clients:/ }, ({ path }) => ({ path, namespace: sharedNamespace }));
      onLoad({ filter: /.*/, namespace: sharedNamespace }, ({ path }) => ({ ...shared.get(path), loader: 'js' }));
      onLoad(
        {
          filter:
            /@aws-sdk[\\/]client-[^\\/]+[\\/]dist-es[\\/](runtimeConfig|auth[\\/]httpAuthSchemeProvider|endpoint[\\/]EndpointParameters|[A-Z]\w+Client)\.js$/,
        },
        async ({ path }) => {
          const split = splitModule(await readFile(path, 'utf8'), basename(path));
          const key = `same-clients:${createHash('sha256').update(split.shared).digest('hex')}`;
          // All imports that are left name packages, so that any client's folder finds them.
          shared.set(key, shared.get(key) ?? { contents: split.shared, resolveDir: dirname(path) });
          return { contents: split.own(key), loader: 'js', resolveDir: dirname(path) };
        },
      );
    },
  };
}

function splitModule(text: string, file: string): { shared: string; own: (key: string) => string } {
  const service = /^(\w+)Client\.js$/.exec(file)?.[1] ?? /default(\w+)HttpAuthSchemeProvider\b/.exec(text)?.[1] ?? '';
  const neutral = (code: string) => (service === '' ? code : code.replaceAll(service, 'Service'));
  const imports = [...text.matchAll(imported)].map(([line, , names = '', from = '']) => ({
    line,
    isOwn: from.startsWith('".'),
    names: [...names.matchAll(/(?:\w+ as )?(\w+)/g)].map(([, name = '']) => name),
  }));
  const own = imports.filter(({ isOwn }) => isOwn);
  const parameters = own.flatMap(({ names }) => names);
  const signingName = /\b(?:n|defaultSigningN)ame: ("[\w-]+")/.exec(text)?.[1] ?? '""';
  const exported = [...text.matchAll(/^export (?:const|class) (\w+)/gm)].map(([, name = '']) => name);
  const body = text
    .replace(imported, '')
    .replace(/^export \{.*\};\n/gm, '')
    .replace(/^export /gm, '')
    // It differs, and is for extensions of clients, of which there are none.
    .replace(/^ {8}defaultSocketTimeout: .*\n/m, '')
    .replace(`ame: ${signingName}`, 'ame: signingName');
  return {
    shared: `${imports.flatMap(({ isOwn, line }) => (isOwn ? [] : [line])).join('')}
export const make = (${['signingName', ...parameters.map(neutral)].join(', ')}) => {
${neutral(body)}
return [${exported.map(neutral).join(', ')}];
};`,
    own: (key) => `${own.map(({ line }) => line).join('')}
import { make } from ${JSON.stringify(key)};
export const [${exported.join(', ')}] = make(${[signingName, ...parameters].join(', ')});`,
  };
}
