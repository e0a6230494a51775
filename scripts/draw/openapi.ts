import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import openapiTypes from 'openapi-typescript';
import { openApi } from '../openapi/openapi.ts';
import { schemaText } from './schemas.ts';

/** The files of `schemas/` that describe the HTTP API, by their names: the document, and the types of a client in TypeScript. */
export async function apiFiles(): Promise<Map<string, string>> {
  const document = openApi();
  // What the generator makes of the same text that it would be given.
  const types = await openapiTypes(JSON.parse(JSON.stringify(document)), { alphabetize: false });
  return new Map([
    ['openapi.json', schemaText(document)],
    ['openapi.d.ts', types],
  ]);
}

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === import.meta.filename) {
  const folder = resolve(import.meta.dirname, '../../schemas');
  for (const [name, text] of await apiFiles()) await writeFile(join(folder, name), text);
}
