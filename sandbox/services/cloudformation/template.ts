import * as v from 'valibot';
import { type CollectionTag, isMap, isSeq, parseDocument, type ScalarTag, YAMLMap } from 'yaml';
import { checkFormat, formatError } from './checks/format.ts';

/** What may be written as one string or as a list of them. */
export const texts = v.pipe(
  v.union([v.string(), v.array(v.string())]),
  v.transform((value) => (typeof value === 'string' ? [value] : value)),
);
// Templates write parameter values as strings, numbers or booleans; CloudFormation has only strings.
const scalar = v.pipe(v.union([v.string(), v.number(), v.boolean()]), v.transform(String));

// Templates write them as numbers or as strings.
const bound = v.optional(v.pipe(scalar, v.transform(Number), v.finite()));

const parameterSchema = v.strictObject({
  // GetTemplateSummary answers any type; what a stack may have of them is a matter of its creation.
  Type: v.string(),
  Default: v.optional(scalar),
  Description: v.optional(v.string()),
  AllowedValues: v.optional(v.array(scalar)),
  AllowedPattern: v.optional(v.string()),
  MinLength: bound,
  MaxLength: bound,
  MinValue: bound,
  MaxValue: bound,
  ConstraintDescription: v.optional(v.string()),
  NoEcho: v.optional(
    v.pipe(
      v.union([v.boolean(), v.picklist(['true', 'false'])]),
      v.transform((value) => String(value) === 'true'),
    ),
  ),
});

const resourceSchema = v.strictObject({
  Type: v.string(),
  Condition: v.optional(v.string()),
  DependsOn: v.optional(texts, []),
  Metadata: v.optional(v.record(v.string(), v.unknown())),
  DeletionPolicy: v.optional(v.picklist(['Delete', 'Retain', 'RetainExceptOnCreate']), 'Delete'),
  UpdateReplacePolicy: v.optional(v.picklist(['Delete', 'Retain'])),
  Properties: v.optional(v.record(v.string(), v.unknown()), {}),
});

const outputSchema = v.strictObject({
  Value: v.unknown(),
  Description: v.optional(v.string()),
  Condition: v.optional(v.string()),
  Export: v.optional(v.strictObject({ Name: v.unknown() })),
});

const ruleSchema = v.strictObject({
  RuleCondition: v.optional(v.unknown()),
  Assertions: v.array(v.strictObject({ Assert: v.unknown(), AssertDescription: v.optional(v.string()) })),
});

const templateSchema = v.strictObject({
  AWSTemplateFormatVersion: v.optional(v.literal('2010-09-09')),
  Description: v.optional(v.string()),
  Metadata: v.optional(v.record(v.string(), v.unknown())),
  Transform: v.optional(texts, []),
  Parameters: v.optional(v.record(v.string(), parameterSchema), {}),
  Mappings: v.optional(v.record(v.string(), v.unknown()), {}),
  Rules: v.optional(v.record(v.string(), ruleSchema), {}),
  Conditions: v.optional(v.record(v.string(), v.unknown()), {}),
  Resources: v.record(v.string(), resourceSchema),
  Outputs: v.optional(v.record(v.string(), outputSchema), {}),
});

/** A template as written: intrinsic functions stand in their long form and are not evaluated. */
export type Template = v.InferOutput<typeof templateSchema>;
/** Of a stack of which nothing is made yet; it cannot be written. */
export const emptyTemplate: Template = {
  ...{ AWSTemplateFormatVersion: undefined, Description: undefined, Metadata: undefined, Transform: [] },
  ...{ Parameters: {}, Mappings: {}, Rules: {}, Conditions: {}, Resources: {}, Outputs: {} },
};
export type TemplateParameter = v.InferOutput<typeof parameterSchema>;

/**
 * Reads a template in YAML, with the short forms of the intrinsic functions, or in JSON.
 * @throws AwsError ValidationError when it is neither, or no template that the sandbox knows
 */
export function parseTemplate(body: string): Template {
  const written = body.trimStart().startsWith('{') ? parseJson(body) : parseYaml(body);
  checkFormat(written);
  const result = v.safeParse(templateSchema, written);
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

/** `!Sub x` is `Fn::Sub: x`; `!Ref` and `!Condition` alone have no prefix. */
const shortForms: (ScalarTag | CollectionTag)[] = [
  ...[
    'Ref',
    'Condition',
    'Sub',
    'GetAtt',
    'If',
    'Equals',
    'And',
    'Or',
    'Not',
    'Join',
    'Select',
    'Split',
    'FindInMap',
    'ImportValue',
  ],
  ...['Contains', 'EachMemberEquals', 'EachMemberIn'],
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
