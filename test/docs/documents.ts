import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** A file of the project. @throws Error of the system when there is none */
export const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const markdown = (folder: string) =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() && entry.name.endsWith('.md') ? [join(folder, entry.name)] : [],
  );

/** The paths of all documents, from the project's folder. */
export const documents: readonly string[] = [...markdown('.'), ...markdown('docs'), ...markdown('docs/decisions')];

/** What is in the project's folder and belongs to the project: nothing installed or generated. */
export const topLevel: readonly string[] = (() => {
  const ignored = new Set(
    read('.gitignore')
      .split('\n')
      .map((line) => line.replace(/\/$/, '')),
  );
  return readdirSync(root).filter((name) => name !== '.git' && !ignored.has(name));
})();

/** Every path of a file or folder in the project, below the given top-level folders; folders end with a slash. */
export function pathsBelow(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => [
    `${folder}/`,
    ...readdirSync(join(root, folder), { withFileTypes: true, recursive: true }).map((entry) => {
      const path = join(entry.parentPath, entry.name).slice(root.length + 1);
      return entry.isDirectory() ? `${path}/` : path;
    }),
  ]);
}
