import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { isMap, isScalar, parse, parseDocument } from 'yaml';
import { functionNames } from '../build/build.ts';
import { firstParams } from './check-params.ts';

const root = resolve(import.meta.dirname, '..');
const page = join(root, 'docs', 'params.md');
const defaults = 'stages/default.yml';
const example = join(root, 'stages', 'example.yml');
const read = (path: string) => readFile(join(root, path), 'utf8');

interface Param {
  name: string;
  /** The default as it is, and as the page shows it. */
  value: unknown;
  default: string;
  /** Its comment in `stages/default.yml`; empty without one. */
  description: string;
  /** The environment variables that hold it, with their functions, and the files that use it otherwise. */
  uses: string[];
}

/** The params of `stages/default.yml`, in its order. */
export async function params(): Promise<Param[]> {
  const variables = await variablesWithFunctions();
  const files = await filesWithParams();
  return (await declaredParams()).map(({ comment: _, range: __, ...param }) => {
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
    'Generated from the comments in `stages/default.yml` by `npm run list-params`. Set your own values in the file of your stage, `stages/<stage>.yml` ([deploying.md](deploying.md#2-set-the-params-of-your-stage)).',
    ['| Param | Default | What it is | Used by |', '|---|---|---|---|', ...rows.map((row) => `| ${row} |`)].join('\n'),
  ].join('\n\n')}\n`;
}

/**
 * The file `stages/example.yml`: every param with its description. Those that a stage begins with are set, to what is refused until
 * it is replaced; the others have their defaults, as comments.
 */
export async function stageExample(): Promise<string> {
  const text = await read(defaults);
  const declared = await declaredParams();
  const parts = declared.map(({ name, comment, range: [start, end] }) => {
    const first = firstParams[name];
    const lines = first === undefined ? text.slice(start, end).trim().replace(/^/gm, '#') : `${name}: ${first}`;
    return [...comment.split('\n').map((line) => `#${line}`), lines].join('\n');
  });
  return `${[
    [
      '# yaml-language-server: $schema=../schemas/stage.json',
      '#',
      '# An example with every param. Copy it to stages/<stage>.yml, and keep what differs from the defaults, which stand in lines that begin',
      '# with `#` and no blank. `npm run list-params` makes it from stages/default.yml.',
    ].join('\n'),
    ...parts,
  ].join('\n\n')}\n`;
}

/** A param as it stands in the file: with the lines of the comment directly above it, and where name and value begin and end. */
interface Declared extends Omit<Param, 'uses'> {
  comment: string;
  range: readonly [start: number, end: number];
}

/** The params by name, with the comment directly above each. */
async function declaredParams(): Promise<Declared[]> {
  const params = parseDocument(await read(defaults)).contents;
  if (!isMap(params)) throw new Error(`${defaults} has no params`);
  return params.items.map(({ key, value }) => {
    if (!isScalar(key) || typeof key.value !== 'string' || !isScalar(value) || !key.range || !value.range)
      throw new Error('A param must be a scalar');
    // What stands above a blank line is the file's.
    const comment = (key.commentBefore ?? '').split('\n\n').at(-1) ?? '';
    return {
      name: key.value,
      value: value.value,
      default: shown(String(value.value)),
      description: described(comment),
      comment,
      range: [key.range[0], value.range[1]],
    };
  });
}

/** The comment as one line, with links that work from `docs/`. */
function described(comment: string): string {
  const line = comment.replace(/\s+/g, ' ').trim();
  return line.replace(/\bdocs\/([\w/-]+\.md)/g, '[$1]($1)');
}

function shown(value: string): string {
  if (value === '') return 'empty';
  return value.includes('\n') ? 'see `stages/default.yml`' : `\`${value}\``;
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
if (process.argv[1] === import.meta.filename) {
  await writeFile(page, await paramsPage());
  await writeFile(example, await stageExample());
}
