import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const page = join(root, 'README.md');
const marker = /(<!-- terminal: .*? -->\n```text\n)(.*?)(```\n)/s;

/** The picture of the terminal in README.md. @throws Error when the page has no place for it */
export function terminalIn(readme: string): string {
  const [, , picture] = marker.exec(readme) ?? [];
  if (picture === undefined) throw new Error('README.md has no block after <!-- terminal: … -->');
  return picture;
}

/**
 * Runs `npm start` without a terminal, and returns what it prints, on both streams in their order. What differs in each run and
 * says nothing, the ends of ARNs and the name of a temporary folder, is left out. The bootstrap is: it prints only what it installs.
 * @param environment variables beside those that there are
 * @throws Error when the command fails
 */
export function terminalPicture(environment: Readonly<Record<string, string>> = {}): Promise<string> {
  return new Promise((done, fail) => {
    const command = 'exec "$0" cli/start.ts 2>&1';
    // Without an endpoint, so that the command boots a sandbox.
    const { AWS_ENDPOINT_URL: _, ...rest } = process.env;
    const env = { ...rest, NODE_COMPILE_CACHE: join(root, '.sandbox', 'compile-cache'), ...environment };
    execFile('/bin/sh', ['-c', command, process.execPath], { cwd: root, env }, (error, output) => {
      if (error === null) done(shortened(output));
      else fail(new Error(`npm start has failed:\n${output}`, { cause: error }));
    });
  });
}

/** Real seconds, with the blanks that right-align them: two pictures that differ only in these are of the same output. */
export const withoutSeconds = (picture: string): string => picture.replace(/ +\d+\.\d s/g, ' N s');

function shortened(output: string): string {
  return output
    .replace(/(:stack\/[\w-]+\/)[0-9a-f-]{36}/g, '$1…')
    .replace(/(:execution:[\w-]+:[a-z]+)-\w+/g, '$1-…')
    .replace(/\S*\/(infinstor-onboarding-sandbox)-\w+/g, '…/$1-…')
    .replace(/\s*$/, '\n');
}

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === import.meta.filename) {
  const readme = await readFile(page, 'utf8');
  // Finds out that there is a place before anything runs.
  terminalIn(readme);
  const picture = await terminalPicture();
  await writeFile(
    page,
    readme.replace(marker, (_, before: string, _old, after: string) => before + picture + after),
  );
}
