import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * The text of `stages/default.yml`, of the project or of the packed command.
 * @throws Error when the file is missing
 */
export function readDefaults(): Promise<string> {
  // A bundle lies in another folder than this source.
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const path = join(folder, 'stages/default.yml');
    if (existsSync(path) || dirname(folder) === folder) return readFile(path, 'utf8');
  }
}
