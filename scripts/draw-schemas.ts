import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { params } from './list-params.ts';
import { paramSchemas } from './param-schemas.ts';

const folder = resolve(import.meta.dirname, '..', 'schemas');
const dialect = 'http://json-schema.org/draft-07/schema#';
const drawn = 'Made by `npm run draw-schemas`.';

/** JSON Schemas for editors, by the names of their files. What they cannot express, the parsers alone refuse. */
export async function schemas(): Promise<Map<string, object>> {
  return new Map([['stage.json', await stageSchema()]]);
}

/** A file as it is written. */
export const schemaText = (schema: object) => `${JSON.stringify(schema, null, 2)}\n`;

/** Of what a parser takes: its transformations, and checks by code, have no counterpart in a JSON Schema. */
function inputOf(schema: v.GenericSchema<unknown, unknown>) {
  const { $schema: _, ...converted } = toJsonSchema(schema, { typeMode: 'input', errorMode: 'ignore' });
  return converted;
}

/** The file of a stage: each param by itself. What params must be together is up to `npm run package`. */
async function stageSchema(): Promise<object> {
  const ofParams = await paramSchemas();
  const properties = (await params()).map(({ name, value, description }) => {
    const schema = ofParams.get(name);
    if (schema === undefined) throw new Error(`${name} has no schema`);
    const plain = description.replace(/\[([^\]]*)\]\([^)]*\)/g, 'docs/$1');
    return [name, { description: plain, default: value, ...oneOf(inputOf(schema)) }] as const;
  });
  return {
    $schema: dialect,
    title: 'The params of a stage',
    description: `${drawn} stages/default.yml has the defaults.`,
    type: 'object',
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  };
}

/** YAML's number is taken for its text, and so is what osls puts in. */
function oneOf(schema: ReturnType<typeof inputOf>): object {
  const { enum: choices = [] } = schema;
  const numbers = choices.filter((choice) => /^\d+$/.test(String(choice))).map(Number);
  if (choices.length > 0 && numbers.length === 0) return { anyOf: [schema, ofOsls] };
  return { anyOf: [schema, numbers.length > 0 ? { enum: numbers } : { type: 'number' }, ofOsls] };
}

const ofOsls = { type: 'string', pattern: '\\$\\{(?!AWS::)', description: 'A variable of osls, such as ${env:NAME}' };

// Not `import.meta.main`: the bootstrap imports what it runs.
if (process.argv[1] === import.meta.filename) {
  for (const [name, schema] of await schemas()) await writeFile(join(folder, name), schemaText(schema));
}
