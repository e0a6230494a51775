// What a function costs when it starts cold: the time until its module is loaded and has refused its first input, which breaks
// the schema and so needs no network. Per function: the bundle as it is deployed (a), the same handler as esbuild bundles it by its
// defaults for Node and ES modules, which is not minified (b), and a handler that does nothing (c). Each figure is the median
// of fresh processes, taken in turns; only the ratios mean something on another machine.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import * as v from 'valibot';
import { parse } from 'yaml';
import { buildFunctions, functionNames } from '../build/build.ts';

const rounds = 15;
const root = resolve(import.meta.dirname, '..');
const folder = await mkdtemp(join(tmpdir(), 'cold-start-'));
const names = await functionNames();
const variants = [
  { key: 'ours', file: (name: string) => join(folder, `${name}.cjs`) },
  { key: 'default', file: (name: string) => join(folder, `${name}.mjs`) },
  { key: 'bare', file: () => join(folder, 'bare.cjs') },
] as const;
/** What the runtime sets for every function. */
const runtime = {
  PATH: process.env.PATH ?? '',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'AKIDBENCH',
  AWS_SECRET_ACCESS_KEY: 'bench',
  AWS_LAMBDA_FUNCTION_NAME: 'bench',
  POWERTOOLS_LOG_LEVEL: 'INFO',
};
type Key = (typeof variants)[number]['key'];

try {
  await buildFunctions(folder);
  await build({
    absWorkingDir: root,
    entryPoints: names.map((name) => ({ in: join('functions', name, 'handler.ts'), out: name })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    // By its defaults esbuild takes the SDK's CommonJS, which needs this to be loaded from an ES module at all.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  await writeFile(join(folder, 'bare.cjs'), 'exports.handler = async () => {};');
  const rows = [];
  for (const name of names) rows.push({ name, ...(await measureFunction(name)) });
  print(rows);
} finally {
  await rm(folder, { recursive: true });
}

async function measureFunction(name: string) {
  const times: Record<Key, number[]> = { ours: [], default: [], bare: [] };
  const environment = await environmentOf(name);
  for (let round = 0; round < rounds; round += 1) {
    for (const { key, file } of variants) times[key].push(measure(file(name), environment));
  }
  const bytes = async (key: Key) =>
    (await stat(variants.find((variant) => variant.key === key)?.file(name) ?? '')).size;
  return {
    bytes: { ours: await bytes('ours'), default: await bytes('default') },
    milliseconds: { ours: median(times.ours), default: median(times.default), bare: median(times.bare) },
  };
}

/** Milliseconds from before the import until the first invocation has ended. */
function measure(file: string, environment: Record<string, string>): number {
  const script = `
    const start = performance.now();
    const { handler } = await import(${JSON.stringify(file)});
    const context = { awsRequestId: 'bench', functionName: 'bench', functionVersion: '1', invokedFunctionArn: 'bench' };
    const outcome = await handler(null, context).then(() => 'nothing', (error) => error.name);
    const time = performance.now() - start;
    process.stdout.write('\\n' + JSON.stringify({ time, outcome }));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: environment,
    // The logger writes there.
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const schema = v.object({
    time: v.number(),
    // Anything else would be a handler that has come further, or not as far.
    outcome: v.picklist(['nothing', 'InvalidStepInput', 'InvalidConfiguration']),
  });
  return v.parse(schema, JSON.parse(output.slice(output.lastIndexOf('\n')))).time;
}

/** The function's environment variables as the deployment sets them, its references filled in with something like them. */
async function environmentOf(name: string): Promise<Record<string, string>> {
  // The sweeps take any input; without their settings they end as early as the others.
  if (name.startsWith('sweep-')) return runtime;
  const read = async (path: string): Promise<unknown> => parse(await readFile(join(root, path), 'utf8'));
  const values = v.record(v.string(), v.unknown());
  const params = v.parse(values, await read('stages/default.yml'));
  const variables = v.parse(values, await read('deployment/environment.yml'));
  const { environment } = v.parse(
    v.object({ environment: v.array(v.string()) }),
    await read(`functions/${name}/function.yml`),
  );
  const filledIn = environment.map((variable) => [variable, filled(variables[variable], params)]);
  return { ...runtime, ...Object.fromEntries(filledIn) };
}

function filled(value: unknown, params: Record<string, unknown>): string {
  if (typeof value !== 'string') {
    return JSON.stringify(value).includes('Url')
      ? 'https://mlflow.infinstor.example.com'
      : 'arn:aws:x:us-east-1:111111111111:y';
  }
  const param = /^\$\{param:(\w+)\}$/.exec(value)?.[1];
  if (param !== undefined) return filled(params[param] ?? '', params);
  return value.includes('refix}') ? 'infinstor/bench/' : value;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function print(rows: readonly ({ name: string } & Awaited<ReturnType<typeof measureFunction>>)[]): void {
  const line = (cells: readonly string[]) =>
    process.stdout.write(
      `${cells.map((cell, index) => (index === 0 ? cell.padEnd(22) : cell.padStart(10))).join('')}\n`,
    );
  line(['', 'ours', 'default', 'ours', 'default', 'bare', 'ours/def.']);
  const ratios = rows.map(({ name, bytes, milliseconds }) => {
    const ratio = milliseconds.ours / milliseconds.default;
    const kilobytes = [bytes.ours, bytes.default].map((count) => `${(count / 1024).toFixed(1)} KB`);
    const times = [milliseconds.ours, milliseconds.default, milliseconds.bare].map((time) => `${time.toFixed(1)} ms`);
    line([name, ...kilobytes, ...times, ratio.toFixed(2)]);
    return ratio;
  });
  line(['median of the ratios', '', '', '', '', '', median(ratios).toFixed(2)]);
  line(['maximum', '', '', '', '', '', Math.max(...ratios).toFixed(2)]);
}
