import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * Keeps the classes of those AWS errors out of the bundles that no function names: a client brings one for every error of its
 * service (KMS: 48), and registers them all, so that none can be tree-shaken.
 *
 * Safe, because an error that a client does not know is thrown as the client's base class, with the name, message and status that
 * the service sent. Where the service's code differs from the error's name, which the Query protocol has to translate, the
 * translation stays, as a line of a table. Errors that the SDK retries by a trait of their class stay, too.
 * @param usedWords every word in the functions' sources: an error whose name is among them stays as it is
 */
export function withoutUnusedErrors(usedWords: ReadonlySet<string>): Plugin {
  return {
    name: 'without-unused-errors',
    setup({ onLoad }) {
      onLoad({ filter: /@aws-sdk[\\/]client-[^\\/]+[\\/]dist-es[\\/]schemas[\\/]schemas_0\.js$/ }, async ({ path }) => {
        const client = join(dirname(path), '..');
        const [schemas, classes, config] = await Promise.all(
          [path, join(client, 'models/errors.js'), join(client, 'runtimeConfig.shared.js')].map((file) =>
            readFile(file, 'utf8'),
          ),
        );
        const translates = /AwsQueryProtocol|awsQueryCompatible/.test(config ?? '');
        return { contents: reduced(schemas ?? '', { isKept: keeper(classes ?? '', usedWords), translates }), loader: 'js' };
      });
    },
  };
}

/** Which classes stay: those that a function names, and those with a trait that retries go by. */
function keeper(classes: string, usedWords: ReadonlySet<string>): (name: string) => boolean {
  const retryable = new Set(
    classes
      .split(/^export class /m)
      .filter((text) => text.includes('$retryable'))
      .map((text) => text.slice(0, text.indexOf(' '))),
  );
  return (name) => usedWords.has(name) || retryable.has(name);
}

function reduced(
  schemas: string,
  { isKept, translates }: { isKept: (name: string) => boolean; translates: boolean },
): string {
  const translated: string[] = [];
  const dropped = /^export var (\w+)\$ = (\[-3, n0,[^;]*?\n\]);\nn0_registry\.registerError\(\1\$, \1\);\n/gm;
  const rest = schemas.replace(dropped, (whole: string, name: string, schema: string) => {
    if (isKept(name)) return whole;
    const code = /\[_aQE\]: \[`([^`]+)`/.exec(schema)?.[1] ?? name;
    const fault = /\[_e\]: _se\b/.test(schema) ? 'server' : 'client';
    if (translates && code !== name) translated.push(JSON.stringify([name, code, fault]));
    return '';
  });
  if (translated.length === 0) return rest;
  const base = /registerError\((\w+ServiceException)\$, \1\)/.exec(rest)?.[1];
  if (base === undefined) throw new Error('The SDK registers its base exceptions otherwise now');
  return `${rest}
for (const [name, code, $fault] of [${translated.join(',')}]) {
  n0_registry.registerError([-3, n0, name, { awsQueryError: [code], error: $fault }, [], []], class extends ${base} {
    constructor(options) { super({ name, $fault, ...options }); }
  });
}`;
}
