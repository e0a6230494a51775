import * as v from 'valibot';

const templateSchema = v.object({
  Parameters: v.optional(v.record(v.string(), v.looseObject({ Default: v.optional(v.unknown()) })), {}),
  Resources: v.record(
    v.string(),
    v.object({ Type: v.string(), Properties: v.optional(v.record(v.string(), v.unknown()), {}) }),
  ),
  Outputs: v.optional(v.record(v.string(), v.unknown()), {}),
});
type Template = v.InferOutput<typeof templateSchema>;

/** The longest names, by resource type: in which property, and how many characters (API references of the services). */
const names: Readonly<Record<string, { property: string; most: number }>> = {
  'AWS::Lambda::Function': { property: 'FunctionName', most: 64 },
  'AWS::IAM::Role': { property: 'RoleName', most: 64 },
  'AWS::IAM::Policy': { property: 'PolicyName', most: 128 },
  'AWS::IAM::ManagedPolicy': { property: 'ManagedPolicyName', most: 128 },
  'AWS::StepFunctions::StateMachine': { property: 'StateMachineName', most: 80 },
  'AWS::Events::Rule': { property: 'Name', most: 64 },
  'AWS::Events::EventBus': { property: 'Name', most: 256 },
  'AWS::SQS::Queue': { property: 'QueueName', most: 80 },
  'AWS::DynamoDB::Table': { property: 'TableName', most: 255 },
  'AWS::SecretsManager::Secret': { property: 'Name', most: 512 },
  'AWS::Logs::LogGroup': { property: 'LogGroupName', most: 512 },
  'AWS::ApiGatewayV2::Api': { property: 'Name', most: 128 },
};

/** What a service counts of a property, in the property's own value or as JSON. */
const sizes: Readonly<Record<string, readonly { property: string; most: number; what: string }[]>> = {
  // Lambda counts the variables as JSON, with its escapes.
  'AWS::Lambda::Function': [{ property: 'Environment.Variables', most: 4096, what: 'bytes of JSON' }],
  'AWS::StepFunctions::StateMachine': [{ property: 'DefinitionString', most: 1_048_576, what: 'bytes' }],
  'AWS::SecretsManager::Secret': [{ property: 'SecretString', most: 65_536, what: 'bytes' }],
  // IAM counts characters that are no white space.
  'AWS::IAM::Role': [{ property: 'AssumeRolePolicyDocument', most: 2048, what: 'characters' }],
  'AWS::IAM::ManagedPolicy': [{ property: 'PolicyDocument', most: 6144, what: 'characters' }],
  'AWS::Events::Rule': [{ property: 'EventPattern', most: 2048, what: 'characters' }],
  'AWS::Events::EventBusPolicy': [{ property: 'Statement', most: 10_240, what: 'characters' }],
};

/** All inline policies of a role together. */
const mostOfInlinePolicies = 10_240;
const mostTemplateBytes = 1_000_000;
const mostParameterBytes = 4096;

/**
 * What AWS would refuse of a template, most of it in the middle of a deployment: each with the thing, the rule and what to do. What is
 * known only to AWS, such as a generated name, counts as long as it can be.
 * @param text the template, as it is deployed
 */
export function brokenLimits(text: string): string[] {
  const template = v.parse(templateSchema, JSON.parse(text));
  const resources = Object.entries(template.Resources);
  return [
    ...tooMany('The template', Buffer.byteLength(JSON.stringify(JSON.parse(text))), mostTemplateBytes, 'bytes'),
    ...tooMany('The template', resources.length, 500, 'resources'),
    ...tooMany('The template', Object.keys(template.Parameters).length, 200, 'parameters'),
    ...tooMany('The template', Object.keys(template.Outputs).length, 200, 'outputs'),
    ...Object.entries(template.Parameters).flatMap(([name, { Default }]) =>
      tooMany(`The parameter ${name}`, Buffer.byteLength(String(Default ?? '')), mostParameterBytes, 'bytes'),
    ),
    ...resources.flatMap(([logicalId, { Type, Properties }]) => [
      ...tooLongName(Type, Properties, template),
      ...(sizes[Type] ?? []).flatMap(({ property, most, what }) =>
        tooMany(`${property} of ${logicalId}`, sizeOf(memberOf(Properties, property), template), most, what),
      ),
    ]),
    ...inlinePolicies(template).flatMap(([role, size]) =>
      tooMany(`The inline policies of ${role}`, size, mostOfInlinePolicies, 'characters'),
    ),
  ];
}

function tooMany(thing: string, size: number, most: number, what: string): string[] {
  return size <= most ? [] : [`${thing}: ${size} ${what}, and AWS takes ${most} at most`];
}

function tooLongName(type: string, properties: Template['Resources'][string]['Properties'], template: Template) {
  const { property, most } = names[type] ?? {};
  if (property === undefined || most === undefined || properties[property] === undefined) return [];
  const name = resolved(properties[property], template);
  const length = String(name).length;
  return length <= most
    ? []
    : [
        `The name ${name}: ${length} characters, and AWS takes ${most} at most: choose a stage that is shorter by ${length - most}`,
      ];
}

/** The characters of all inline policies of each role. */
function inlinePolicies(template: Template): [string, number][] {
  const roleSchema = v.object({ Policies: v.optional(v.array(v.looseObject({ PolicyDocument: v.unknown() })), []) });
  const policySchema = v.looseObject({ PolicyDocument: v.unknown(), Roles: v.array(v.object({ Ref: v.string() })) });
  const totals = new Map<string, number>();
  const add = (role: string, document: unknown) =>
    totals.set(role, (totals.get(role) ?? 0) + sizeOf(document, template));
  for (const [logicalId, { Type, Properties }] of Object.entries(template.Resources)) {
    if (Type === 'AWS::IAM::Role') {
      for (const { PolicyDocument } of v.parse(roleSchema, Properties).Policies) add(logicalId, PolicyDocument);
    }
    if (Type === 'AWS::IAM::Policy') {
      const { PolicyDocument, Roles } = v.parse(policySchema, Properties);
      for (const { Ref } of Roles) add(Ref, PolicyDocument);
    }
  }
  return [...totals];
}

/** The bytes of a text, or of anything else as JSON. */
function sizeOf(value: unknown, template: Template): number {
  if (value === undefined) return 0;
  const known = resolved(value, template);
  return Buffer.byteLength(typeof known === 'string' ? known : JSON.stringify(known));
}

function memberOf(value: unknown, path: string): unknown {
  return path.split('.').reduce((within, name) => (isRecord(within) ? within[name] : undefined), value);
}

/** The longest of their kind. */
const pseudoParameters: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws-us-gov',
  'AWS::Region': 'ap-southeast-99',
  'AWS::AccountId': '0'.repeat(12),
  'AWS::URLSuffix': 'amazonaws.com.cn',
  'AWS::StackName': 'x'.repeat(64),
  'AWS::StackId': 'x'.repeat(160),
};

/** The value with its intrinsic functions replaced, by what is as long as what AWS will put there, or longer. */
function resolved(value: unknown, template: Template): unknown {
  if (Array.isArray(value)) return value.map((each) => resolved(each, template));
  if (!isRecord(value)) return value;
  const [[name, argument] = ['', undefined], ...others] = Object.entries(value);
  if (others.length > 0 || !(name === 'Ref' || name.startsWith('Fn::'))) {
    return Object.fromEntries(Object.entries(value).map(([member, each]) => [member, resolved(each, template)]));
  }
  const text = (each: unknown) => String(resolved(each, template));
  const parts = Array.isArray(argument) ? argument : [argument];
  switch (name) {
    case 'Ref':
      return referredTo(String(argument), template);
    case 'Fn::GetAtt':
      return referredTo(String(parts[0]).replace(/\..*/, ''), template);
    case 'Fn::Sub': {
      const own: unknown = parts[1];
      return String(parts[0]).replace(/\$\{([\w:.]+)\}/g, (_, variable: string) =>
        isRecord(own) && variable in own
          ? text(own[variable])
          : text(referredTo(variable.replace(/\..*/, ''), template)),
      );
    }
    case 'Fn::Join': {
      const items: unknown = parts[1];
      return Array.isArray(items) ? items.map(text).join(String(parts[0])) : text(items);
    }
    case 'Fn::If':
      return parts
        .slice(1)
        .sort((one, other) => sizeOf(other, template) - sizeOf(one, template))
        .map((each) => resolved(each, template))[0];
    default:
      return value;
  }
}

/** A parameter's or pseudo parameter's value; of a resource an ARN, which is longer than its name. */
function referredTo(name: string, template: Template): unknown {
  const { Type, Properties } = template.Resources[name] ?? {};
  if (Type === undefined) return pseudoParameters[name] ?? template.Parameters[name]?.Default ?? '';
  const given = Properties?.[names[Type]?.property ?? ''];
  const own = given === undefined ? 'x'.repeat(64) : String(resolved(given, template));
  const { 'AWS::Partition': partition, 'AWS::Region': region, 'AWS::AccountId': accountId } = pseudoParameters;
  return `arn:${partition}:secretsmanager:${region}:${accountId}:stateMachine:${own}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
