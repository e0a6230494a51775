// What a pipeline's machine has: the packed command, the AWS CLI, jq and curl, and what the repository of a pipeline holds.

import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { makeTemporaryFolder } from '../../../build/temporary-folder.ts';
import type { Sandbox } from '../../../sandbox/boot.ts';
import { account } from '../../../sandbox/core/account.ts';
import { buildCli } from '../../../scripts/build-cli.ts';
import type { Credentials } from '../security/doors.ts';

const root = join(import.meta.dirname, '../../..');
export const examples = join(root, 'examples/pipelines');

/** The version of this machine's curl, such as `7.88`; undefined for none. */
const installed = /^curl (\d+)\.(\d+)/.exec(spawnSync('curl', ['--version'], { encoding: 'utf8' }).stdout ?? '');
const [, major = 0, minor = 0] = (installed ?? []).map(Number);
/** Older ones leave the token's header out of the signature. */
export const signsByCurl = major > 7 || (major === 7 && minor >= 87);
/** The examples read what is answered by jq. */
export const hasJq = spawnSync('jq', ['--version']).status === 0;
/** The AWS CLI of this machine, if it has one. */
export const awsCli = spawnSync('sh', ['-c', 'command -v aws'], { encoding: 'utf8' }).stdout.trim();

export interface Machine {
  /** The folder in which a pipeline has its repository. */
  folder: string;
  /** Writes a file there. */
  write: (name: string, content: object) => void;
  /** Runs commands in Bash, which ends with the first that fails. */
  run: (commands: string, environment: Readonly<Record<string, string>>, options?: RunOptions) => Promise<Ran>;
  remove: () => void;
}

interface RunOptions {
  /** Default: a stand-in, which starts much faster. */
  aws?: string;
}

interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

/** A machine with the examples' scripts in onboarding/. It sleeps until nothing is left to do in the sandbox, whose time is skipped. */
export async function pipelineMachine({ clock }: Pick<Sandbox, 'clock'>): Promise<Machine> {
  const server = createServer((socket) => void clock.quiet().then(() => socket.end()));
  const { path: folder, remove } = makeTemporaryFolder(join(tmpdir(), 'pipeline-'));
  const bin = join(folder, '.bin');
  for (const name of ['.bin', '.cli', 'onboarding', 'requests']) mkdirSync(join(folder, name));
  await buildCli(join(folder, '.cli'));
  const executable = (name: string, line: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  executable('infinstor-onboarding', `exec '${process.execPath}' '${folder}/.cli/infinstor-onboarding.cjs' "$@"`);
  const cache = `NODE_COMPILE_CACHE='${join(root, '.sandbox', 'compile-cache')}'`;
  const standIn = `${cache} exec '${process.execPath}' '${join(root, 'tools/permissions/aws.ts')}' "$@"`;
  executable('aws', `[ -z "$AWS_CLI" ] || exec "$AWS_CLI" "$@"\n${standIn}`);
  const port = await listen(server);
  executable('sleep', `exec bash -c 'read -r _ </dev/tcp/127.0.0.1/${port} || true'`);
  for (const script of ['onboard.sh', 'onboard-curl.sh', 'onboard-event.sh']) {
    copyFileSync(join(examples, script), join(folder, 'onboarding', script));
  }
  return {
    folder,
    remove() {
      server.close();
      remove();
    },
    write: (name, content) => writeFileSync(join(folder, name), JSON.stringify(content, undefined, 2)),
    run: (commands, environment, { aws } = {}) =>
      new Promise((resolve) => {
        const env = {
          PATH: `${bin}:${process.env.PATH}`,
          HOME: folder,
          TMPDIR: folder,
          AWS_REGION: account.region,
          AWS_DEFAULT_REGION: account.region,
          AWS_PAGER: '',
          ...(aws !== undefined && { AWS_CLI: aws }),
          ...environment,
        };
        execFile('bash', ['-ec', commands], { cwd: folder, env }, (error, stdout, stderr) =>
          resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
        );
      }),
  };
}

const addressSchema = v.object({ port: v.number() });

/** @returns the port that the system has given it */
async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return v.parse(addressSchema, server.address()).port;
}

/** Credentials as a pipeline's shell has them. */
export const shellCredentials = ({ accessKeyId, secretAccessKey, sessionToken }: Credentials) => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  ...(sessionToken !== undefined && { AWS_SESSION_TOKEN: sessionToken }),
});
