import { execFile } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

type Ended = { status: unknown; stdout: string; stderr: string };

/** Runs the command in a process of its own, without a terminal. */
export function command(...args: string[]): Promise<Ended> {
  return commandIn({}, ...args);
}

/** The same with these environment variables; an endpoint that the shell has is not the test's. */
export function commandIn(environment: Readonly<Record<string, string>>, ...args: string[]): Promise<Ended> {
  const { AWS_ENDPOINT_URL: _, INFINSTOR_STAGE: __, ...own } = process.env;
  return new Promise((resolve) => {
    const options = { cwd: root, env: { ...own, ...environment } };
    execFile(process.execPath, ['cli/start.ts', ...args], options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}
