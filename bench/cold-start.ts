// What a bundle costs at a cold start, side by side: as it is built, without the two aliases, and with esbuild's defaults
// for Node. Each figure is the median of fresh processes, taken in turns; only the ratios mean something elsewhere.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { bundleOptions } from '../scripts/build.ts';

const rounds = 15;
const folder = await mkdtemp(join(tmpdir(), 'cold-start-'));
const { alias, mainFields, conditions, ...defaults } = bundleOptions;
const variants: Record<string, BuildOptions> = {
  'as built': bundleOptions,
  'without aliases': { ...defaults, mainFields, conditions },
  'esbuild defaults': defaults,
};

const bundles = await Promise.all(
  Object.entries(variants).map(async ([name, options]) => {
    const outfile = join(folder, `${name.replaceAll(' ', '-')}.cjs`);
    const { outExtension, ...single } = options;
    await build({ ...single, entryPoints: ['functions/patch-key-policy/handler.ts'], outfile });
    return { name, outfile, bytes: (await stat(outfile)).size, milliseconds: [] as number[] };
  }),
);
const measure = (outfile: string) =>
  Number(
    execFileSync(
      process.execPath,
      [
        '-e',
        `const start = performance.now(); require(${JSON.stringify(outfile)}); process.stdout.write(String(performance.now() - start))`,
      ],
      { encoding: 'utf8' },
    ),
  );
for (let round = 0; round < rounds; round += 1) {
  for (const bundle of bundles) bundle.milliseconds.push(measure(bundle.outfile));
}
await rm(folder, { recursive: true });

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const base = bundles[0];
for (const { name, bytes, milliseconds } of bundles) {
  const load = median(milliseconds);
  const ratio = base === undefined ? 1 : load / median(base.milliseconds);
  process.stdout.write(
    `${name.padEnd(18)} ${(bytes / 1024).toFixed(0).padStart(5)} KB  ${load.toFixed(1).padStart(6)} ms  ×${ratio.toFixed(2)}\n`,
  );
}
