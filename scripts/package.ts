import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildFunctions } from './build.ts';

const root = resolve(import.meta.dirname, '..');

/**
 * Builds the functions and packages the deployment into a folder: the CloudFormation template and a zip per function.
 * Needs neither network nor credentials. The build comes first, as osls packages a stale `dist/` without a word.
 */
export async function packageProject({ stage, folder }: { stage: string; folder: string }): Promise<void> {
  await buildFunctions();
  await osls(['package', '--stage', stage, '--package', folder]);
}

/**
 * Packages the sandbox's stage into a folder of its own, which goes with the process: runs side by side do not meet in it, and
 * `.serverless/` only ever holds what somebody wants to deploy.
 */
export async function packageForSandbox(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'infinstor-onboarding-package-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await packageProject({ stage: 'sandbox', folder });
  return folder;
}

function osls(parameters: string[]): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(root, 'node_modules/osls/bin/serverless.js'), ...parameters], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, SLS_NOTIFICATIONS_MODE: 'off', SLS_INTERACTIVE_SETUP_ENABLE: '' },
    });
    // A signal that ends this process ends the packaging, too.
    const killChild = () => child.kill();
    process.once('exit', killChild);
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

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === import.meta.filename) {
  const stage = process.argv[2] ?? 'dev';
  try {
    await packageProject({ stage, folder: join(root, '.serverless') });
    process.stdout.write(`Packaged stage ${stage} into .serverless/\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
