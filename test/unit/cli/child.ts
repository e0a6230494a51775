import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

const root = join(import.meta.dirname, '../../..');

/** A program that runs in a process of its own, and has a folder of its own for temporary files. */
export interface Child {
  process: ChildProcessByStdio<null, Readable, Readable>;
  /** What it has said so far. */
  said(): { stdout: string; stderr: string };
  /** Settles when it has said something of this form. @throws Error with what it has said when it ends before */
  says(pattern: RegExp): Promise<void>;
  /** Settles when it has ended, with its exit status or signal. */
  ended: Promise<{ status: number | null; signal: NodeJS.Signals | null }>;
  temporaryFolder: string;
  /** What it has left in there: of each folder, what is inside. */
  left(): string[][];
}

/**
 * Runs a script of the project.
 * @param preload code that runs before it
 * @param project the folder of the project
 */
export function child(args: readonly string[], { preload = '', project = root } = {}): Child {
  const temporaryFolder = mkdtempSync(join(tmpdir(), 'child-'));
  const before = `data:text/javascript,${encodeURIComponent(preload)}`;
  const started = spawn(process.execPath, ['--import', before, ...args], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'pipe'],
    // The cache as the bootstrap sets it, which saves half of the loading.
    env: {
      NODE_COMPILE_CACHE: join(root, '.sandbox', 'compile-cache'),
      ...process.env,
      // An endpoint that the shell has is not the test's.
      AWS_ENDPOINT_URL: '',
      TMPDIR: temporaryFolder,
    },
  });
  const said = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    started[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
      for (const look of waiting) look();
    });
  }
  const ended = once(started, 'close').then(() => ({ status: started.exitCode, signal: started.signalCode }));
  return {
    process: started,
    said: () => ({ ...said }),
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!pattern.test(said.stdout) && !pattern.test(said.stderr)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        // After it was said this comes too late to matter.
        void ended.then(() => reject(new Error(`It ended without ${pattern}:\n${said.stdout}\n${said.stderr}`)));
      }),
    ended,
    temporaryFolder,
    left: () => readdirSync(temporaryFolder).map((name) => readdirSync(join(temporaryFolder, name))),
  };
}
