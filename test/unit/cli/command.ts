import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expectValid } from './valid-document.ts';

const root = join(import.meta.dirname, '../../..');

type Ended = { status: unknown; stdout: string; stderr: string };

/** Runs the command in a process of its own, without a terminal. A document that it prints is as its schema says. */
export function command(...args: string[]): Promise<Ended> {
  return commandIn({}, ...args);
}

/** The same with these environment variables; an endpoint that the shell has is not the test's. */
export function commandIn(environment: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended> {
  const { AWS_ENDPOINT_URL: _, INFINSTOR_STAGE: __, ...own } = process.env;
  return new Promise((resolve, reject) => {
    // The cache as the bootstrap sets it: most of a short command's time is loading modules otherwise.
    const cache = { NODE_COMPILE_CACHE: join(root, '.sandbox', 'compile-cache') };
    const options = { cwd: root, env: { ...cache, ...own, ...environment } };
    execFile(process.execPath, ['cli/start.ts', ...args], options, (error, stdout, stderr) => {
      try {
        expectValid(args, stdout, true);
        resolve({ status: error === null ? 0 : error.code, stdout, stderr });
      } catch (invalid) {
        reject(invalid);
      }
    });
  });
}
