import * as v from 'valibot';
import { type CollectionTag, isMap, isSeq, parseDocument, type ScalarTag, YAMLMap } from 'yaml';
import { AwsError } from '../../core/operation.ts';

/** What may be written as one string or as a list of them. */
export const texts = v.pipe(
  v.union([v.string(), v.array(v.string())]),
  v.transform((value) => (typeof value === 'string' ? [value] : value)),
);
// Templates write parameter values as strings, numbers or booleans; CloudFormation has only strings.
const scalar = v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String));

const parameterSchema = v.strictObject({
  Type: v.picklist(['String', 'Number']),
  Default: v.optional(scalar),
  Description: v.optional(v.string()),
  AllowedValues: v.optional(v.array(scalar)),
  AllowedPattern: v.optional(v.string()),
  ConstraintDescription: v.optional(v.string()),
  NoEcho: v.optional(
    v.pipe(
      v.union([v.boolean(), v.picklist(['true', 'false'])]),
      v.transform((value) => String(value) === 'true'),
    ),
  ),
});

const resourceSchema = v.looseObject({
  Type: v.string(),
  Condition: v.optional(v.string()),
  DependsOn: v.optional(texts, []),
  DeletionPolicy: v.optional(v.picklist(['Delete', 'Retain', 'RetainExceptOnCreate']), 'Delete'),
  Properties: v.optional(v.record(v.string(), v.unknown()), {}),
});

const outputSchema = v.looseObject({
  Value: v.unknown(),
  Description: v.optional(v.string()),
  Condition: v.optional(v.string()),
});

const templateSchema = v.strictObject({
  AWSTemplateFormatVersion: v.optional(v.literal('2010-09-09')),
  Description: v.optional(v.string()),
  Metadata: v.optional(v.record(v.string(), v.unknown())),
  Transform: v.optional(texts, []),
  Parameters: v.optional(v.record(v.string(), parameterSchema), {}),
  Mappings: v.optional(v.record(v.string(), v.unknown()), {}),
  Conditions: v.optional(v.record(v.string(), v.unknown()), {}),
  Resources: v.pipe(
    v.record(v.string(), resourceSchema),
    v.minEntries(1, 'at least one Resources member must be defined'),
  ),
  Outputs: v.optional(v.record(v.string(), outputSchema), {}),
});

/** A template as written: intrinsic functions stand in their long form and are not evaluated. */
export type Template = v.InferOutput<typeof templateSchema>;
export type TemplateParameter = v.InferOutput<typeof parameterSchema>;

/**
 * Reads a template in YAML, with the short forms of the intrinsic functions, or in JSON.
 * @throws AwsError ValidationError when it is neither, or no template that the sandbox knows
 */
export function parseTemplate(body: string): Template {
  const result = v.safeParse(templateSchema, body.trimStart().startsWith('{') ? parseJson(body) : parseYaml(body));
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue) ?? 'template';
  throw formatError(`${path}: ${issue.message}`);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw formatError('JSON not well-formed.');
  }
}

function parseYaml(body: string): unknown {
  const document = parseDocument(body, { customTags: shortForms });
  // An unknown tag is only a warning to the parser.
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) throw formatError(`YAML not well-formed. ${problem.message}`);
  return document.toJS();
}

const formatError = (message: string) => new AwsError('ValidationError', `Template format error: ${message}`);

/** `!Sub x` is `Fn::Sub: x`; `!Ref` and `!Condition` alone have no prefix. */
const shortForms: (ScalarTag | CollectionTag)[] = [
  ...['Ref', 'Condition', 'Sub', 'GetAtt', 'If', 'Equals', 'And', 'Or', 'Not', 'Join', 'Select', 'Split', 'FindInMap'],
].flatMap((name) => {
  const tag = `!${name}`;
  const longForm = name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`;
  return [
    { tag, resolve: (value: string) => ({ [longForm]: value }) },
    { tag, collection: 'seq' as const, resolve: (items: unknown) => wrap(longForm, items) },
    { tag, collection: 'map' as const, resolve: (entries: unknown) => wrap(longForm, entries) },
  ];
});

function wrap(longForm: string, node: unknown): unknown {
  const map = new YAMLMap();
  if (isMap(node) || isSeq(node)) map.set(longForm, node);
  return map;
}
