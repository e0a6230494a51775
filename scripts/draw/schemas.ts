import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type * as v from 'valibot';
import { documents, lines } from '../../cli/documents/documents.ts';
import { paramSchemas } from '../../deployment/params/schemas.ts';
import { offboardingSchema } from '../../lib/requests/offboarding.ts';
import { onboardingSchema } from '../../lib/requests/onboarding.ts';
import { updateSchema } from '../../lib/requests/update.ts';
import { upgradeSchema } from '../../lib/requests/upgrade.ts';
import { usersSchema } from '../../lib/requests/users.ts';
import { params } from '../list-params.ts';
import { requestSchemaOf } from '../openapi/json-schema.ts';
import { inputOf, open } from './converted.ts';
import { eventSchemaFiles } from './event-schemas.ts';

const folder = resolve(import.meta.dirname, '../../schemas');
const dialect = 'http://json-schema.org/draft-07/schema#';
const drawn = 'Made by `npm run draw-schemas`.';

/** JSON Schemas for editors and of events, by the names of their files. What they cannot say is in `scripts/openapi/exceptions.ts`: the parsers alone refuse it. */
export async function schemas(): Promise<Map<string, object>> {
  const ofRequests = Object.entries(requests).map(
    ([machine, schema]) => [`${machine}.json`, requestSchema(machine, schema)] as const,
  );
  return new Map([['stage.json', await stageSchema()], ...ofRequests, ...outputSchemas(), ...eventSchemaFiles()]);
}

/** A file as it is written. */
export const schemaText = (schema: object) => `${JSON.stringify(schema, null, 2)}\n`;

/** What the parsers of requests take in itself, by the state machine. Which secrets, accounts and names may be chosen is the deployment's. */
const requests: Readonly<Record<string, v.GenericSchema<unknown, unknown>>> = {
  'onboard-subscriber': onboardingSchema,
  'update-subscriber': updateSchema,
  'upgrade-subscriber': upgradeSchema,
  'add-user': usersSchema,
  'offboard-subscriber': offboardingSchema,
};

function requestSchema(machine: string, schema: v.GenericSchema<unknown, unknown>): object {
  const { description, properties, ...rest } = requestSchemaOf(schema);
  return {
    $schema: dialect,
    title: `A request for ${machine}`,
    description: [drawn, 'docs/subscribers.md has more of each field.', description].filter(Boolean).join(' '),
    ...rest,
    properties: Object.assign(
      { $schema: { type: 'string', description: 'This schema. It asks for nothing.' } },
      properties,
    ),
  };
}

/** What commands print for other programs: with `--json`, and, where there is that, a line with `--jsonl`. */
function outputSchemas(): [string, object][] {
  const of = (name: string, title: string, schema: v.GenericSchema<unknown, unknown>): [string, object] => [
    outputFile(name),
    { $schema: dialect, title, description: drawn, ...open(inputOf(schema)) },
  ];
  return [
    ...[...documents].map(([name, schema]) => of(name, `What \`${name}\` prints with --json`, schema)),
    ...[...lines].map(([name, schema]) => of(`${name}-line`, `A line of \`${name}\` with --jsonl`, schema)),
  ];
}

/** The file of the schema of what a command prints. */
export const outputFile = (command: string) => `output-${command}.json`;

/** The file of a stage: each param by itself. What params must be together is up to `npm run package`. */
async function stageSchema(): Promise<object> {
  const properties = (await params()).map(({ name, value, description }) => {
    const schema = paramSchemas.get(name);
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
  for (const [name, schema] of await schemas()) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), schemaText(schema));
  }
}
