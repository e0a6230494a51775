import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { unzipSync } from 'fflate';
import { makeTemporaryFolder, type TemporaryFolder } from '../../../build/temporary-folder.ts';

let folder: TemporaryFolder | undefined;
/** What was unpacked of a zip: the paths of its files, by their names in it, and the SHA-256 of the zip, in Base64. */
export interface Unpacked {
  files: ReadonlyMap<string, string>;
  sha256: string;
}

/** What was unpacked, by the zips' paths. Sandboxes of one process share it, and what is compiled of it. */
const unpacked = new Map<string, Unpacked>();

/**
 * Unpacks a function's zip, once in a process: a package does not change while it is used.
 * @throws Error when the zip cannot be read
 */
export async function unpack(zip: string): Promise<Unpacked> {
  const before = unpacked.get(zip);
  if (before !== undefined) return before;
  const result = unpackBytes(await readFile(zip));
  unpacked.set(zip, result);
  return result;
}

/** Unpacks the bytes of a zip. @throws Error when they are none */
export function unpackBytes(zip: Buffer): Unpacked {
  const content = unzipSync(zip);
  folder ??= makeTemporaryFolder(join(tmpdir(), 'infinstor-onboarding-functions-'));
  // By its content: packages that differ in their template alone have the same bundles.
  const hash = createHash('sha256');
  for (const [name, bytes] of Object.entries(content)) hash.update(`${name} ${bytes.length} `).update(bytes);
  const root = join(folder.path, hash.digest('hex'));
  const files = new Map(Object.keys(content).map((name) => [name, join(root, name)]));
  // What is there is whole, and a thread may be reading it.
  for (const [name, path] of existsSync(root) ? [] : files) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content[name] ?? '');
  }
  return { files, sha256: createHash('sha256').update(zip).digest('base64') };
}
