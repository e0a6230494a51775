import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What osls reads: the sandbox's package is made in a copy of these, where nothing else is within reach. */
export const packagedFiles = [
  ...['package.json', 'serverless.yml', 'statemachine', 'functions', 'deployment'],
  // Not the files of other stages, which a sandbox is not made of, and which may name accounts and external ids.
  ...['stages/default.yml', 'stages/sandbox.yml'],
];

/** What else the package depends on: the dependencies, what esbuild takes from tsconfig.json, and what builds. */
const buildFiles = [
  'package-lock.json',
  'tsconfig.json',
  'lib',
  // get-openapi answers with it.
  'schemas/openapi.json',
  'build/build.ts',
  'build/package.ts',
  'build/limits.ts',
  'build/aliases',
];

/**
 * A name for all that a package is made of: the content of the files, the stage, the params, and the Node that runs osls
 * and esbuild. Packages of the same name are the same but for times and ids in them.
 * @param root the project's folder
 * @throws Error of the file system when a file is missing
 */
export function packageKey(root: string, stage: string, params: Readonly<Record<string, string>>): string {
  const files = keyFiles(root);
  const hash = createHash('sha256');
  const [nodeMajor] = process.versions.node.split('.');
  hash.update(JSON.stringify([stage, Object.entries(params).sort(), nodeMajor, files]));
  for (const file of files) {
    const content = readFileSync(join(root, file));
    // With its length, so that no byte can move from one file to the next unseen.
    hash.update(`\n${content.length}\n`).update(content);
  }
  return hash.digest('hex').slice(0, 32);
}

/** The files whose content the name stands for, by their paths as seen from the root. */
export function keyFiles(root: string): string[] {
  return [...packagedFiles, ...buildFiles].flatMap((name) => filesIn(root, name)).sort();
}

/** The paths of a file or of all files in a folder, as seen from the root. */
function filesIn(root: string, name: string): string[] {
  if (!statSync(join(root, name)).isDirectory()) return [name];
  return readdirSync(join(root, name)).flatMap((entry) => filesIn(root, join(name, entry)));
}
