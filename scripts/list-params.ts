import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { isMap, isScalar, parse, parseDocument } from 'yaml';
import { functionNames } from '../build/build.ts';

const root = resolve(import.meta.dirname, '..');
const page = join(root, 'docs', 'params.md');
const read = (path: string) => readFile(join(root, path), 'utf8');

interface Param {
  name: string;
  default: string;
  /** Its comment in `serverless.yml`; empty without one. */
  description: string;
  /** The environment variables that hold it, with their functions, and the files that use it otherwise. */
  uses: string[];
}

/** The params of `serverless.yml`, in its order. */
export async function params(): Promise<Param[]> {
  const variables = await variablesWithFunctions();
  const files = await filesWithParams();
  return (await declaredParams()).map((param) => {
    const isUsedIn = (text: string) => new RegExp(`\\bparam: ?${param.name}\\b`).test(text);
    const holding = variables.filter(({ value }) => isUsedIn(value));
    const others = files.filter(({ text }) => isUsedIn(text));
    return {
      ...param,
      uses: [
        ...holding.map(({ name, functions }) => `\`${name}\` of ${functions.join(', ')}`),
        ...placesOf(others.map(({ path }) => path)),
      ],
    };
  });
}

function placesOf(paths: readonly string[]): string[] {
  const steps = paths.flatMap((path) => /^functions\/(.*)\//.exec(path)?.[1] ?? []);
  const others = paths.filter((path) => !path.startsWith('functions/'));
  return [
    ...(steps.length === 0 ? [] : [`the role or resources of ${[...new Set(steps)].join(', ')}`]),
    ...others.map((path) => `\`${path}\``),
  ];
}

/** The page `docs/params.md`: a table of the params. */
export async function paramsPage(): Promise<string> {
  const rows = (await params()).map(({ name, default: value, description, uses }) =>
    [`\`${name}\``, value, description, uses.join('; ')].map((cell) => cell.replaceAll('|', '\\|')).join(' | '),
  );
  return `${[
    '# The params',
    'Generated from the comments in `serverless.yml` by `npm run list-params`. Set your own values there, below the name of your stage.',
    ['| Param | Default | What it is | Used by |', '|---|---|---|---|', ...rows.map((row) => `| ${row} |`)].join('\n'),
  ].join('\n\n')}\n`;
}

/** The params by name, with the comment directly above each. */
async function declaredParams(): Promise<Omit<Param, 'uses'>[]> {
  const params = parseDocument(await read('serverless.yml')).getIn(['params', 'default']);
  if (!isMap(params)) throw new Error('serverless.yml has no params.default');
  return params.items.map(({ key, value }, index) => {
    if (!isScalar(key) || typeof key.value !== 'string' || !isScalar(value))
      throw new Error('A param must be a scalar');
    // A comment above the first entry belongs to the map.
    const comment = key.commentBefore ?? (index === 0 ? params.commentBefore : undefined) ?? '';
    return { name: key.value, default: shown(String(value.value)), description: described(comment) };
  });
}

/** The comment as one line, with links that work from `docs/`. */
function described(comment: string): string {
  const line = comment.replace(/\s+/g, ' ').trim();
  return line.replace(/\bdocs\/([\w/-]+\.md)/g, '[$1]($1)');
}

function shown(value: string): string {
  if (value === '') return 'empty';
  return value.includes('\n') ? 'see `serverless.yml`' : `\`${value}\``;
}

/** What each environment variable holds, and the functions that have it. */
async function variablesWithFunctions(): Promise<{ name: string; value: string; functions: string[] }[]> {
  const schema = v.object({ environment: v.array(v.string()) });
  const environments = await Promise.all(
    (await functionNames()).map(async (step) => {
      const { environment } = v.parse(schema, parse(await read(`functions/${step}/function.yml`)));
      return { step, environment };
    }),
  );
  const variables = v.parse(v.record(v.string(), v.unknown()), parse(await read('deployment/environment.yml')));
  return Object.entries(variables).map(([name, value]) => ({
    name,
    value: JSON.stringify(value),
    functions: environments.filter(({ environment }) => environment.includes(name)).map(({ step }) => step),
  }));
}

/** The files of the deployment that may use a param, beside the table of environment variables. */
async function filesWithParams(): Promise<{ path: string; text: string }[]> {
  const paths = (
    await Promise.all(
      ['deployment', 'functions'].map((name) =>
        readdir(join(root, name), { recursive: true }).then((entries) => entries.map((entry) => `${name}/${entry}`)),
      ),
    )
  ).flat();
  const used = paths.filter((path) => /\.(yml|cjs)$/.test(path) && path !== 'deployment/environment.yml').sort();
  return Promise.all(['serverless.yml', ...used].map(async (path) => ({ path, text: await read(path) })));
}

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === import.meta.filename) await writeFile(page, await paramsPage());
