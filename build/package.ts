import { spawn } from 'node:child_process';
import { cp, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Bundle } from './build.ts';
import { cachedPackage } from './package-cache.ts';
import { packagedFiles, packageKey } from './package-key.ts';

const root = resolve(import.meta.dirname, '..');
const templateFile = 'cloudformation-template-update-stack.json';

/**
 * Builds the functions and packages the deployment into `<folder>/.serverless/`: the CloudFormation template and a zip per
 * function. Needs neither network nor credentials. The build comes first, because osls packages a stale `dist/` without a warning.
 * @param folder holds `serverless.yml` and what it refers to
 * @throws Error with all that osls or esbuild reported, or with every limit of AWS that the template breaks
 */
export async function packageProject(project: Package): Promise<void> {
  const { bundleFunctions } = await import('./build.ts');
  await packageBundles(await bundleFunctions(), project);
}

/** Packages with these bundles. @throws Error as `packageProject` */
export async function packageBundles(
  bundles: readonly Bundle[],
  { stage, folder, params = {} }: Package,
): Promise<void> {
  // Imported here, since a package that was kept needs no esbuild.
  const [{ writeBundles }, { brokenLimits }] = await Promise.all([import('./build.ts'), import('./limits.ts')]);
  await writeBundles(bundles, join(folder, 'dist'));
  const parameters = Object.entries(params).map(([name, value]) => `--param=${name}=${value}`);
  await osls(['package', '--stage', stage, ...parameters], folder);
  const packageFolder = join(folder, '.serverless');
  const broken = brokenLimits(await readFile(join(packageFolder, templateFile), 'utf8'));
  if (broken.length === 0) return;
  // Nobody deploys it all the same.
  await rm(packageFolder, { recursive: true });
  throw new Error([`AWS would refuse the package of stage ${stage}.`, ...broken].join('\n'));
}

interface Package {
  stage: string;
  folder: string;
  /** Values of params, in place of those in `stages/`. */
  params?: Readonly<Record<string, string>>;
}

/**
 * The package of the sandbox's stage: the one that was kept from the last time when nothing of what it is made of has changed,
 * which takes milliseconds, or a new one, which takes many seconds. It is packaged in a copy of the deployment's files: osls
 * works inside the folder of `serverless.yml`, where runs side by side would meet, and a deployment's package would be lost.
 * @param params values of params, in place of those in `stages/`
 * @returns the folder of the package, only to be read
 * @throws Error with all that osls or esbuild reported when it cannot be packaged, or with the limits of AWS that it breaks
 */
export function packageForSandbox(params: Readonly<Record<string, string>> = {}): Promise<string> {
  const stage = 'sandbox';
  return cachedPackage({
    // Inside the project, where Node finds the plugins; a link to node_modules would be searched for every function's files.
    parent: join(root, '.sandbox'),
    keyNow: () => packageKey(root, stage, params),
    async make(folder) {
      for (const name of packagedFiles) await cp(join(root, name), join(folder, name), { recursive: true });
      await packageBundles(await bundlesOf(stage), { stage, folder, params });
      return join(folder, '.serverless');
    },
  });
}

/** The bundles that were made last, and the key of what they are made of. */
let lastBundles: { key: string; bundles: Promise<Bundle[]> } | undefined;

/** The bundles of what is there now, which no param changes: packages of several params need them made once. @throws Error of esbuild */
async function bundlesOf(stage: string): Promise<Bundle[]> {
  const key = packageKey(root, stage, {});
  if (lastBundles?.key === key) return lastBundles.bundles;
  const { bundleFunctions } = await import('./build.ts');
  // Another packaging may have begun to make them meanwhile.
  if (lastBundles?.key === key) return lastBundles.bundles;
  const made = { key, bundles: bundleFunctions() };
  lastBundles = made;
  const forget = () => {
    if (lastBundles === made) lastBundles = undefined;
  };
  // What was edited meanwhile may be in them, or not; and what has failed may be mended.
  made.bundles.then(() => packageKey(root, stage, {}) === key || forget(), forget).catch(forget);
  return made.bundles;
}

function osls(parameters: string[], cwd: string): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(root, 'node_modules/osls/bin/serverless.js'), ...parameters], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        SLS_NOTIFICATIONS_MODE: 'off',
        SLS_INTERACTIVE_SETUP_ENABLE: '',
        // Half of its time is loading its many modules, which V8 need not compile each time.
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, '.sandbox', 'compile-cache'),
      },
    });
    // A signal that ends this process ends the packaging, too, before the folder goes that it writes into.
    const killChild = () => child.kill('SIGKILL');
    process.prependOnceListener('exit', killChild);
    const output: Buffer[] = [];
    child.stdout.on('data', (part: Buffer) => output.push(part));
    child.stderr.on('data', (part: Buffer) => output.push(part));
    child.on('error', fail);
    child.on('exit', (code) => {
      process.off('exit', killChild);
      if (code === 0) done();
      else fail(new Error(`osls ${parameters.join(' ')} failed:\n${Buffer.concat(output).toString()}`));
    });
  });
}
