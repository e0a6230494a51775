import { randomBytes } from 'node:crypto';
import { link, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file whole or not at all: a reader, or a crash, never meets a part of it.
 * @param replaces whether it takes the place of a file that is there
 * @throws Error with the code EEXIST when there is one, and it is not to be replaced
 */
export async function writeWhole(path: string, text: string, replaces: boolean): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    // A link is never made over a file, also not over one that somebody else has made meanwhile.
    if (replaces) await rename(temporary, path);
    else await link(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}
