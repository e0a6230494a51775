import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { isException } from './exceptions.ts';

/** A JSON Schema of draft 2020-12, without the name of its dialect; the keywords that it has are the same in draft 7. */
export type JsonSchema = Readonly<Record<string, unknown>>;

type Converted = Record<string, unknown>;

/** What is read of one of valibot's actions. */
interface Action {
  type: string;
  message?: unknown;
  requirement?: unknown;
  jsonSchema?: JsonSchema;
}

/**
 * What a parser takes, as a JSON Schema. A rule that JSON Schema has no keyword for, and the library drops or cannot have beside another one, is put into
 * other keywords here; each rule also stands in the description, in its own words.
 * @throws TypeError for a rule that would be lost, and is not in the list of exceptions
 */
export function requestSchemaOf(schema: v.GenericSchema): JsonSchema {
  return converted(schema, (action, jsonSchema) => described(action, withRule(action, jsonSchema)));
}

/** What an answer has, as a JSON Schema. It may have more at any time. */
export function answerSchemaOf(schema: v.GenericSchema): JsonSchema {
  return converted(schema, withRule);
}

function converted(schema: v.GenericSchema, convert: (action: Action, jsonSchema: Converted) => Converted): JsonSchema {
  const { $schema: _, ...result } = toJsonSchema(schema, {
    target: 'draft-2020-12',
    // All schemas of a pipe apply to what is given, where the pipe transforms only in its end.
    typeMode: 'ignore',
    errorMode: 'ignore',
    overrideAction: ({ valibotAction, jsonSchema }) => convert(valibotAction, { ...jsonSchema }),
    overrideSchema({ valibotSchema, errors, jsonSchema }) {
      if (errors !== undefined) throw new TypeError(errors.join('; '));
      const { required, ...others } = jsonSchema;
      if (required?.length === 0) return others;
      if (valibotSchema.type !== 'record') return undefined;
      // Names that the parsers refuse, as valibot would leave them out.
      const reserved = { not: { enum: ['__proto__', 'prototype', 'constructor'] } };
      const { propertyNames } = jsonSchema;
      return { ...jsonSchema, propertyNames: Object.assign({}, propertyNames, reserved) };
    },
  });
  return v.parse(v.record(v.string(), v.unknown()), result);
}

/** The rules whose keywords the library sets rightly. */
const converting: ReadonlySet<string> = new Set([
  ...['title', 'description', 'metadata', 'examples'],
  ...['min_length', 'max_length', 'non_empty', 'max_entries', 'min_value', 'max_value', 'integer'],
]);

function withRule(action: Action, schema: Converted): Converted {
  const { type, message, requirement, jsonSchema } = action;
  if (jsonSchema !== undefined) return merged(schema, jsonSchema);
  if (requirement instanceof RegExp) {
    // The library has put it there, if nothing was there before.
    const { pattern, format: _, ...rest } = schema;
    const own = portable(requirement);
    const isFirst = pattern === undefined || pattern === requirement.source;
    return isFirst ? { ...rest, pattern: own } : merged(schema, { pattern: own });
  }
  if (type === 'excludes') return merged(schema, { not: { pattern: escaped(String(requirement)) } });
  // A text of so many bytes has at most as many characters.
  if (type === 'max_bytes') return merged(schema, { maxLength: requirement });
  // What comes out of it is not what a client sends.
  if (type === 'transform' || converting.has(type)) return schema;
  if (typeof message === 'string' && isException(message)) return schema;
  // One whose words are made when it is broken.
  if (type === 'raw_check') return schema;
  throw new TypeError(`No JSON Schema has the rule "${message}" (${type})`);
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Both schemas: a keyword that is there already is kept, and the other one stands beside it. */
function merged(schema: Converted, other: JsonSchema): Converted {
  const free = Object.entries(other).filter(([name, value]) => schema[name] === undefined || schema[name] === value);
  const taken = Object.entries(other).filter(([name, value]) => schema[name] !== undefined && schema[name] !== value);
  const { allOf } = schema;
  return {
    ...schema,
    ...Object.fromEntries(free),
    ...(taken.length > 0 && { allOf: [...(Array.isArray(allOf) ? allOf : []), Object.fromEntries(taken)] }),
  };
}

function described({ message, jsonSchema }: Action, schema: Converted): Converted {
  const { description } = schema;
  // That it is an object at all, before its own schema, need not be explained; nor what another rule's words have.
  const isPart = jsonSchema !== undefined && Object.keys(jsonSchema).length === 0;
  if (typeof message !== 'string' || message === 'must be an object' || isPart) return schema;
  const rules = [...(typeof description === 'string' ? description.split('; ') : []), message];
  return { ...schema, description: [...new Set(rules)].join('; ') };
}

/** The letters that are also others when case is ignored (Unicode, CaseFolding.txt): the long s and the Kelvin sign. */
const alsoFolded: Readonly<Record<string, string>> = { s: 'ſ', k: '\u212a' };

/** A pattern as JSON Schema has it: without flags, and read as with `u`. */
function portable({ source, flags }: RegExp): string {
  const pattern = flags.includes('i') ? source.replace(/[a-z]/gi, anyCase) : source;
  if (flags.includes('i') && /[\\[\]]/.test(source)) throw new TypeError(`Case cannot be ignored in ${source}`);
  return new RegExp(pattern, 'u').source;
}

function anyCase(letter: string): string {
  const lower = letter.toLowerCase();
  return `[${lower}${letter.toUpperCase()}${alsoFolded[lower] ?? ''}]`;
}
