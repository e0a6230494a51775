import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { buildFunctions } from './build.ts';

const root = resolve(import.meta.dirname, '..');

/**
 * Builds the functions and packages the deployment into `.serverless/`: the CloudFormation template and a zip per function.
 * Needs neither network nor credentials. The build comes first, as osls packages a stale `dist/` without a word.
 */
export async function packageProject({ stage = 'sandbox' }: { stage?: string } = {}): Promise<void> {
  await buildFunctions();
  await osls(['package', '--stage', stage]);
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

if (import.meta.main) {
  const stage = process.argv[2] ?? 'dev';
  await packageProject({ stage });
  process.stdout.write(`Packaged stage ${stage} into .serverless/\n`);
}
