// A release as it was, from the history of the clone.

import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makeTemporaryFolder } from '../../../build/temporary-folder.ts';

const root = resolve(import.meta.dirname, '../../..');
const git = (...args: string[]) => execFileSync('git', args, { cwd: root, maxBuffer: 2 ** 28 });

/** The commit that a release stands for: the first one whose changelog has its heading. @throws Error in a clone without it */
function commitOf(version: string): string {
  const [commit] = git('log', '--reverse', '--format=%H', `-S## ${version}\n`, '--', 'CHANGELOG.md')
    .toString()
    .split('\n');
  if (!commit) throw new Error(`The history of this clone has no ${version}: fetch all of it (git fetch --unshallow)`);
  return commit;
}

/**
 * Packages a release with its own build and the dependencies of today.
 * @returns the package's folder, and what removes it
 */
export function packageOfRelease(version: string): { folder: string; remove: () => void } {
  // Inside the project, where Node finds the plugins of osls.
  mkdirSync(join(root, '.sandbox'), { recursive: true });
  const clone = makeTemporaryFolder(join(root, `.sandbox/release-${process.pid}-`));
  execFileSync('tar', ['-x', '-C', clone.path], { input: git('archive', commitOf(version)) });
  symlinkSync(join(root, 'node_modules'), join(clone.path, 'node_modules'));
  const script = "import('./build/package.ts').then((build) => build.packageForSandbox()).then(console.log)";
  const folder = execFileSync(process.execPath, ['-e', script], { cwd: clone.path }).toString().trim();
  return { folder, remove: clone.remove };
}
