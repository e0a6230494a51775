import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** A folder that is gone when the process ends, in every way but a kill that the process does not see. */
export interface TemporaryFolder {
  path: string;
  /** Leaves the file or folder of this name where it is when the rest goes. */
  keep(name: string): void;
  /** Removes the folder now. What cannot be removed stays. */
  remove(): void;
}

const folders = new Set<TemporaryFolder>();
process.on('exit', () => {
  for (const folder of folders) folder.remove();
});

/**
 * Makes a new folder.
 * @param prefix its path, to which random characters are added
 * @throws Error of the file system when it cannot be made
 */
export function makeTemporaryFolder(prefix: string): TemporaryFolder {
  // Without a wait in between: a signal must find the folder either unmade or known.
  const path = mkdtempSync(prefix);
  const kept = new Set<string>();
  const folder: TemporaryFolder = {
    path,
    keep: (name) => void kept.add(name),
    remove() {
      folders.delete(folder);
      const left = kept.size === 0 ? [path] : entriesOf(path, kept);
      for (const each of left) removeNow(each);
    },
  };
  folders.add(folder);
  return folder;
}

function entriesOf(path: string, kept: ReadonlySet<string>): string[] {
  try {
    const names = readdirSync(path).filter((name) => !kept.has(name));
    return names.map((name) => join(path, name));
  } catch {
    // Another process has removed the folder.
    return [];
  }
}

function removeNow(path: string): void {
  try {
    // Worker threads run until the process is gone, and may write into a folder while it is emptied.
    rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 10 });
  } catch {
    // An error while the process ends would hide the reason of its end.
  }
}
