import type { Document } from 'yaml';
import { isAlias, isMap, isScalar, isSeq, parseDocument, type Node as YamlNode } from 'yaml';

/**
 * A value in a template. Scalars are text, as CloudFormation compares them; the short forms of functions are the long ones
 * (`!Ref X` is `{ Ref: X }`).
 */
export type Plain = string | null | readonly Plain[] | PlainMap;
export interface PlainMap {
  readonly [name: string]: Plain;
}

export interface TemplateParameter {
  name: string;
  type: string;
  default: string | null;
  allowedValues: readonly string[] | null;
  noEcho: boolean;
  description: string;
}

export interface TemplateResource {
  name: string;
  type: string;
  /** The name of the condition under which it is created; null: always. */
  condition: string | null;
  properties: PlainMap;
}

/** A template of CloudFormation, as far as the command reads it. */
export interface Template {
  parameters: readonly TemplateParameter[];
  resources: readonly TemplateResource[];
  conditions: PlainMap;
  mappings: PlainMap;
  transforms: readonly string[];
}

/** Reads a template, in YAML or JSON. @returns undefined for what is none */
export function parseTemplate(text: string): Template | undefined {
  const content = readYaml(text);
  const resources = entriesOf(mapOf(content)?.Resources);
  const parameters = entriesOf(mapOf(content)?.Parameters);
  const isTyped = ([, value]: readonly [string, Plain]) => textOf(mapOf(value)?.Type) !== undefined;
  if (mapOf(mapOf(content)?.Resources) === undefined || ![...resources, ...parameters].every(isTyped)) return undefined;
  return {
    parameters: parameters.map(([name, value]) => parameterOf(name, mapOf(value) ?? {})),
    resources: resources.map(([name, value]) => resourceOf(name, mapOf(value) ?? {})),
    conditions: mapOf(mapOf(content)?.Conditions) ?? {},
    mappings: mapOf(mapOf(content)?.Mappings) ?? {},
    transforms: listOf(mapOf(content)?.Transform).flatMap((each) => textOf(each) ?? []),
  };
}

function parameterOf(name: string, value: PlainMap): TemplateParameter {
  const { AllowedValues: allowed } = value;
  return {
    name,
    type: textOf(value.Type) ?? 'String',
    default: textOf(value.Default) ?? null,
    allowedValues: allowed === undefined ? null : listOf(allowed).flatMap((each) => textOf(each) ?? []),
    noEcho: textOf(value.NoEcho)?.toLowerCase() === 'true',
    description: textOf(value.Description) ?? '',
  };
}

const resourceOf = (name: string, value: PlainMap): TemplateResource => ({
  name,
  type: textOf(value.Type) ?? '',
  condition: textOf(value.Condition) ?? null,
  properties: mapOf(value.Properties) ?? {},
});

export const textOf = (value: Plain | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

export const isList = (value: Plain | undefined): value is readonly Plain[] => Array.isArray(value);

export const mapOf = (value: Plain | undefined): PlainMap | undefined =>
  typeof value === 'object' && value !== null && !isList(value) ? value : undefined;

const entriesOf = (value: Plain | undefined) => Object.entries(mapOf(value) ?? {});

/** A value alone is a list of one, as for `Transform`. */
const listOf = (value: Plain | undefined): readonly Plain[] =>
  value === undefined || value === null ? [] : isList(value) ? value : [value];

function readYaml(text: string): Plain {
  try {
    const document = parseDocument(text, { logLevel: 'silent' });
    return document.errors.length > 0 ? null : plainOf(document.contents, document);
  } catch {
    return null;
  }
}

function plainOf(node: unknown, document: Document): Plain {
  if (isAlias(node)) return plainOf(node.resolve(document), document);
  const plain = untagged(node, document);
  const tag = tagOf(node);
  if (tag === undefined) return plain;
  const name = ['Ref', 'Condition'].includes(tag) ? tag : `Fn::${tag}`;
  return { [name]: plain };
}

function tagOf(node: unknown): string | undefined {
  const tag = isScalar(node) || isMap(node) || isSeq(node) ? (node satisfies YamlNode).tag : undefined;
  return /^!(\w+)$/.exec(tag ?? '')?.[1];
}

function untagged(node: unknown, document: Document): Plain {
  if (isSeq(node)) return node.items.map((item) => plainOf(item, document));
  if (isMap(node)) {
    return Object.fromEntries(
      node.items.map(({ key, value }) => [isScalar(key) ? String(key.value) : '', plainOf(value, document)]),
    );
  }
  if (!isScalar(node) || node.value === null) return null;
  // As it is written: 1.0 is no 1 to CloudFormation, which takes all parameters as text.
  return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
}
