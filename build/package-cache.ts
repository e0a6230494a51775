import { existsSync, mkdirSync, readdirSync, renameSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { makeTemporaryFolder } from './temporary-folder.ts';

/** How many packages are kept, the last used ones. */
const keptPackages = 8;
/** What was used in this time is kept, too: tests boot sandboxes from a package for as long as they run. */
const keptMilliseconds = 60 * 60 * 1000;

interface Parts {
  /** Where the packages are kept. */
  parent: string;
  /** A name for all that the package is made of, as it is now. */
  keyNow: () => string;
  /**
   * Makes the package inside an empty folder.
   * @returns the folder of the package, in there
   */
  make: (folder: string) => Promise<string>;
}

/**
 * The package of what is there now: one that was kept, or a new one, which is then kept. A package is whole from its
 * first moment, since it gets its name when it is finished. Of processes that make the same at the same time, the first
 * gives it its name, and the others take that.
 * @returns the folder of the package, only to be read
 * @throws what `make` throws; nothing is left of the package then
 */
export async function cachedPackage({ parent, keyNow, make }: Parts): Promise<string> {
  for (;;) {
    const key = keyNow();
    const folder = join(parent, `package-${key}`);
    if (isThere(folder)) return folder;
    mkdirSync(parent, { recursive: true });
    const temporary = makeTemporaryFolder(join(parent, `packaging-${process.pid}-`));
    try {
      const made = await make(temporary.path);
      // What was edited meanwhile may be in the package, or not.
      if (keyNow() !== key) continue;
      nameIt(made, folder);
    } finally {
      temporary.remove();
    }
    prune(parent);
    return folder;
  }
}

/** Whether the package is there; it counts as used now. */
function isThere(folder: string): boolean {
  try {
    const now = new Date();
    utimesSync(folder, now, now);
    return true;
  } catch {
    // A package of another user can be read all the same.
    return existsSync(folder);
  }
}

/** @throws Error of the file system, unless another process was first */
function nameIt(made: string, folder: string): void {
  try {
    renameSync(made, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

/** Removes packages that are neither among the last used nor used lately, and what killed processes have left half-made. */
function prune(parent: string): void {
  const names = readdirSync(parent);
  const packages = names
    .filter((name) => name.startsWith('package-'))
    .map((name) => ({ path: join(parent, name), usedAt: lastUseOf(join(parent, name)) }))
    .sort((one, other) => other.usedAt - one.usedAt)
    .slice(keptPackages)
    .map(({ path }) => path);
  const halfMade = names.filter((name) => name.startsWith('packaging-')).map((name) => join(parent, name));
  for (const path of [...packages, ...halfMade]) removeUnused(path, parent);
}

/** When a folder was last used, in milliseconds; 0 when it is gone. */
function lastUseOf(folder: string): number {
  return statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Takes a folder's name away before its content, so that no half of it is taken for a package. */
function removeUnused(path: string, parent: string): void {
  const trash = makeTemporaryFolder(join(parent, `packaging-${process.pid}-`));
  try {
    // Looked at again, directly before: another process may just have begun to use it.
    if (Date.now() - lastUseOf(path) > keptMilliseconds) renameSync(path, join(trash.path, 'unused'));
  } catch {
    // Another process was first, or it is not ours to remove.
  } finally {
    trash.remove();
  }
}
