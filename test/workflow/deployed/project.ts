import { spawn } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buildFunctions } from '../../../build/build.ts';
import { packagedFiles } from '../../../build/package-key.ts';
import { makeTemporaryFolder } from '../../../build/temporary-folder.ts';
import type { EmptySandbox } from '../../../sandbox/boot.ts';
import { operator } from '../../../sandbox/core/account.ts';

const root = resolve(import.meta.dirname, '../../..');
/** A copy of the project with a stage `dev`, built, in a folder in which Node finds the dependencies. */
export async function projectFor({ stageParams }: EmptySandbox) {
  const parent = join(root, '.sandbox');
  await mkdir(parent, { recursive: true });
  const folder = makeTemporaryFolder(join(parent, `deploying-${process.pid}-`));
  for (const name of packagedFiles) await cp(join(root, name), join(folder.path, name), { recursive: true });
  await writeFile(join(folder.path, 'stages/dev.yml'), JSON.stringify(stageParams));
  await buildFunctions(join(folder.path, 'dist'));
  return folder;
}

/** Runs osls with nothing in its environment but the endpoint, a Region and credentials, and returns what it has written. */
export async function osls({ endpoint }: EmptySandbox, cwd: string, command: string): Promise<string> {
  const child = spawn(
    process.execPath,
    [join(root, 'node_modules/osls/bin/serverless.js'), command, '--stage', 'dev'],
    {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        HOME: cwd,
        AWS_ENDPOINT_URL: endpoint,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: operator.accessKeyId,
        AWS_SECRET_ACCESS_KEY: operator.secretAccessKey,
        // Not needed, but quicker: how often it looks at the stack, and what V8 need not compile again.
        SLS_AWS_MONITORING_FREQUENCY: '100',
        NODE_COMPILE_CACHE: join(root, '.sandbox', 'compile-cache'),
      },
    },
  );
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => output.push(part));
  const code = await new Promise((done, fail) => child.once('error', fail).once('close', done));
  const text = Buffer.concat(output).toString();
  if (code !== 0) throw new Error(`osls ${command} ended with ${code}:\n${text}`);
  return text;
}
