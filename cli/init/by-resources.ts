import { isList, mapOf, type Plain, type Template, type TemplateResource, textOf } from '../vendor-template/content.ts';
import { evaluate, markOf, parametersIn, patternOf } from '../vendor-template/evaluate.ts';
import { type Choosing, choicesOf, type Part } from './part.ts';
import { type Outcome, type Solution, solve } from './solve.ts';

const ofType = (template: Template, ...types: string[]) =>
  template.resources.filter(({ type }) => types.includes(type));

/**
 * What each choice of encryption needs, as the template's own bucket or table shows it.
 * @returns by the choice, only those that the template offers; undefined when the template shows nothing
 */
export function encryptionByResources(template: Template, choosing: Choosing): Map<string, Part> | undefined {
  const ofBucket = choosing === 'artifacts';
  const all = ofType(template, ofBucket ? 'AWS::S3::Bucket' : 'AWS::DynamoDB::Table');
  const property = ({ properties }: TemplateResource): Plain =>
    (ofBucket ? properties.BucketEncryption : properties.SSESpecification) ?? null;
  const depending = all.filter((resource) => parametersIn([property(resource)], template).size > 0);
  // A bucket for logs and the like, which no parameter concerns, decides only when it is alone.
  const resources = depending.length > 0 ? depending : all;
  const read = (value: Plain) => (ofBucket ? bucketOutcome(value, template) : tableOutcome(value, template));
  const solutions = solve({ template, resources, property, read, placeholder: '{keyArn}' });
  if (solutions === undefined) return undefined;
  const what = ofBucket
    ? `the encryption of bucket ${namesOf(resources)}`
    : `the encryption of table ${namesOf(resources)}`;
  return new Map(
    choicesOf[choosing].flatMap((choice) => {
      const solution = solutions.find((each) => each.choice === choice);
      return solution === undefined ? [] : [[choice, partOf(solution, what)] as const];
    }),
  );
}

function partOf({ choice, ways }: Solution, what: string): Part {
  const sets = [...new Map(ways.map((way) => [JSON.stringify(way), way])).values()];
  const alike = sets.filter((way) => Object.values(way).includes(choice));
  const [parameters = {}] = alike.length === 1 ? alike : sets;
  if (sets.length === 1) return { parameters, sureness: 'certain', why: `${what} follows it` };
  return alike.length === 1
    ? { parameters, sureness: 'likely', why: `${what} follows it, also with other values; this one has the name` }
    : { parameters, sureness: 'unsure', why: `${what} is the same in ${sets.length} ways` };
}

const namesOf = (resources: readonly TemplateResource[]) => resources.map(({ name }) => name).join(', ');

/** The parameter whose value a text is. */
const parameterIn = (text: string, { parameters }: Template) =>
  parameters.find(({ name }) => text === markOf(name))?.name;

/** Without `BucketEncryption` S3 encrypts with its own keys (S3 user guide, "Setting default server-side encryption behavior"). */
function bucketOutcome(value: Plain, template: Template): Outcome | undefined {
  if (value === null) return { choice: 'sse-s3' };
  const rules = mapOf(value)?.ServerSideEncryptionConfiguration;
  const { SSEAlgorithm: algorithm, KMSMasterKeyID: key } =
    mapOf(mapOf(isList(rules) ? rules[0] : undefined)?.ServerSideEncryptionByDefault) ?? {};
  if (algorithm === 'AES256') return key === undefined ? { choice: 'sse-s3' } : undefined;
  if (algorithm !== 'aws:kms') return undefined;
  if (key === undefined || key === 'alias/aws/s3') return { choice: 'sse-kms-aws-managed' };
  const from = parameterIn(textOf(key) ?? '', template);
  return from === undefined ? undefined : { choice: 'sse-kms-customer-managed', from };
}

/** Without `SSESpecification`, or without `SSEEnabled`, DynamoDB encrypts with a key that AWS owns (CloudFormation, `SSESpecification`). */
function tableOutcome(value: Plain, template: Template): Outcome | undefined {
  const { SSEEnabled: enabled = 'false', KMSMasterKeyId: key } = mapOf(value) ?? {};
  if (value === null || enabled === 'false') return { choice: 'aws-owned' };
  if (enabled !== 'true') return undefined;
  if (key === undefined || key === 'alias/aws/dynamodb') return { choice: 'aws-managed' };
  const from = parameterIn(textOf(key) ?? '', template);
  return from === undefined ? undefined : { choice: 'customer-managed', from };
}

/** What gives all roles of the template a permissions boundary; null parameters: not all can have one. Undefined: it shows no role. */
export function boundaryByResources(template: Template): Part | undefined {
  const roles = ofType(template, 'AWS::IAM::Role', 'AWS::IAM::User');
  const property = ({ properties }: TemplateResource) => properties.PermissionsBoundary ?? null;
  const read = (value: Plain): Outcome | undefined => {
    if (value === null) return { choice: 'without' };
    const from = parameterIn(textOf(value) ?? '', template);
    return from === undefined ? undefined : { choice: 'with', from };
  };
  const solutions = solve({ template, resources: roles, property, read, placeholder: '{boundaryArn}' });
  if (solutions === undefined) return undefined;
  const solution = solutions.find(({ choice }) => choice === 'with');
  if (solution !== undefined) return partOf(solution, `the permissions boundary of role ${namesOf(roles)}`);
  const without = roles.filter((role) => parametersIn([property(role)], template).size === 0);
  const why = `role ${namesOf(without.length > 0 ? without : roles)} gets no permissions boundary from a parameter`;
  return { parameters: null, sureness: 'unsure', why };
}

/** How the vendor's setup guide says that the role's name begins. */
const documentedPrefix = 'RoleForInfinStorMlflowService-';

/** The role that InfinStor assumes, as the template names it. */
export interface NamedRole {
  /** The parameter that its name ends with. */
  parameter: string;
  prefix: string;
  path: string;
  isDocumented: boolean;
}

/** The roles whose names end with the value of a parameter; first the one that is named as the vendor's guide says. */
export function namedRoles(template: Template): NamedRole[] {
  return ofType(template, 'AWS::IAM::Role')
    .flatMap(({ properties }) => {
      const name = textOf(marked(properties.RoleName ?? null, template)) ?? '';
      const parameter = template.parameters.find((each) => name.endsWith(markOf(each.name)))?.name;
      if (parameter === undefined) return [];
      const prefix = name.slice(0, -markOf(parameter).length);
      const path = textOf(marked(properties.Path ?? '/', template)) ?? '/';
      return [{ parameter, prefix, path, isDocumented: prefix === documentedPrefix }];
    })
    .toSorted((one, other) => Number(other.isDocumented) - Number(one.isDocumented));
}

/** An expression where every parameter has a value of its own. */
const marked = (expression: Plain, template: Template): Plain =>
  evaluate(expression, { template, values: new Map(template.parameters.map(({ name }) => [name, markOf(name)])) });

/**
 * Which names the buckets or tables of the template have, with wildcards.
 * @returns undefined when CloudFormation gives them names, or they are of several kinds
 */
export function namePattern(template: Template, type: 'bucket' | 'table'): string | undefined {
  const resources = ofType(template, type === 'bucket' ? 'AWS::S3::Bucket' : 'AWS::DynamoDB::Table');
  const property = type === 'bucket' ? 'BucketName' : 'TableName';
  const patterns = resources.map(({ properties }) => {
    const name = textOf(marked(properties[property] ?? null, template));
    return name === undefined ? undefined : patternOf(name);
  });
  const [first] = patterns;
  return first !== undefined && /^[^*]{3,}/.test(first) && patterns.every((each) => each === first) ? first : undefined;
}

/** What a stack of the template takes of AWS's quotas, as the param `stackUses` has it; undefined where nested stacks take some, too. */
export function usesOf(template: Template): string | undefined {
  const count = (...types: string[]) => ofType(template, ...types).length;
  if (count('AWS::CloudFormation::Stack') > 0) return undefined;
  return JSON.stringify({
    roles: count('AWS::IAM::Role'),
    policies: count('AWS::IAM::ManagedPolicy'),
    stacks: 1,
    buckets: count('AWS::S3::Bucket'),
    tables: count('AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'),
  });
}

/** The functions that the template's custom resources invoke, as ARNs with wildcards. */
export function customResourceFunctions(template: Template): string[] {
  const resources = template.resources.filter(({ type }) => isCustom(type));
  const arns = resources.map(({ properties }) =>
    patternOf(textOf(marked(properties.ServiceToken ?? null, template)) ?? ''),
  );
  return [...new Set(arns.filter((arn) => /^arn:[^:]+:lambda:[^:]*:[^:]*:function:[^*]/.test(arn)))];
}

const isCustom = (type: string) => type.startsWith('Custom::') || type === 'AWS::CloudFormation::CustomResource';

/** The parameters that a custom resource of the template receives. */
export function reportedParameters(template: Template): Set<string> {
  const properties = template.resources
    .filter(({ type }) => isCustom(type))
    .map(({ properties: { ServiceToken: _, ...others } }) => others);
  return new Set(parametersIn(properties, template).keys());
}
