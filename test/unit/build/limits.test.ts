import { describe, expect, it } from 'vitest';
import { brokenLimits } from '../../../build/limits.ts';

type Resource = { Type: string; Properties?: object };
const broken = (Resources: Record<string, Resource>, more: object = {}) =>
  brokenLimits(JSON.stringify({ Resources, ...more }));
const of = (Type: string, Properties: object) => ({ Thing: { Type, Properties } });
const long = (length: number) => 'x'.repeat(length);
const many = <Value>(count: number, value: Value): Record<string, Value> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`N${index}`, value]));

/** A policy whose JSON has this length. */
function policy(length: number) {
  const bare = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '' }] };
  const Resource = long(length - JSON.stringify(bare).length);
  return { ...bare, Statement: [{ ...bare.Statement[0], Resource }] };
}
const inline = (length: number) => [{ PolicyName: 'inline', PolicyDocument: policy(length) }];

describe('a name', () => {
  it.each([
    ['AWS::Lambda::Function', 'FunctionName', 64],
    ['AWS::IAM::Role', 'RoleName', 64],
    ['AWS::IAM::Policy', 'PolicyName', 128],
    ['AWS::IAM::ManagedPolicy', 'ManagedPolicyName', 128],
    ['AWS::StepFunctions::StateMachine', 'StateMachineName', 80],
    ['AWS::Events::Rule', 'Name', 64],
    ['AWS::Events::EventBus', 'Name', 256],
    ['AWS::SQS::Queue', 'QueueName', 80],
    ['AWS::DynamoDB::Table', 'TableName', 255],
    ['AWS::SecretsManager::Secret', 'Name', 512],
    ['AWS::Logs::LogGroup', 'LogGroupName', 512],
    ['AWS::ApiGatewayV2::Api', 'Name', 128],
  ])('of %s (%s) has at most %i characters', (type, property, most) => {
    const named = (length: number) => broken(of(type, { [property]: long(length), PolicyDocument: {}, Roles: [] }));
    expect(named(most)).toEqual([]);
    expect(named(most + 3)).toEqual([
      `The name ${long(most + 3)}: ${most + 3} characters, and AWS takes ${most} at most: choose a stage that is shorter by 3`,
    ]);
  });
});

describe('the size', () => {
  it('of an environment is what Lambda counts: JSON with its escapes', () => {
    const withVariable = (VALUE: string) =>
      broken(of('AWS::Lambda::Function', { Environment: { Variables: { VALUE } } }));
    const frame = JSON.stringify({ VALUE: '' }).length;
    expect(withVariable(long(4096 - frame))).toEqual([]);
    expect(withVariable(long(4097 - frame))).toEqual([
      'Environment.Variables of Thing: 4097 bytes of JSON, and AWS takes 4096 at most',
    ]);
    expect(withVariable('"'.repeat((4096 - frame) / 2))).toEqual([]);
    expect(withVariable('"'.repeat((4098 - frame) / 2))).toHaveLength(1);
  });

  it.each([
    ['AWS::StepFunctions::StateMachine', 'DefinitionString', 1_048_576, 'bytes'],
    ['AWS::SecretsManager::Secret', 'SecretString', 65_536, 'bytes'],
    ['AWS::IAM::Role', 'AssumeRolePolicyDocument', 2048, 'characters'],
    ['AWS::IAM::ManagedPolicy', 'PolicyDocument', 6144, 'characters'],
    ['AWS::Events::Rule', 'EventPattern', 2048, 'characters'],
    ['AWS::Events::EventBusPolicy', 'Statement', 10_240, 'characters'],
  ])('of %s (%s) is at most %i', (type, property, most, what) => {
    const sized = (length: number) =>
      broken(of(type, { [property]: what === 'bytes' ? long(length) : policy(length) })).filter(
        // It is more than a template may have.
        (text) => !text.startsWith('The template'),
      );
    expect(sized(most)).toEqual([]);
    expect(sized(most + 1)).toEqual([`${property} of Thing: ${most + 1} ${what}, and AWS takes ${most} at most`]);
  });

  it("of all a role's inline policies is at most 10,240, with those that are attached as resources", () => {
    const role = (length: number, attached: number) =>
      broken({
        Role: { Type: 'AWS::IAM::Role', Properties: { Policies: inline(length) } },
        Other: { Type: 'AWS::IAM::Role', Properties: { Policies: inline(200) } },
        Attached: {
          Type: 'AWS::IAM::Policy',
          Properties: {
            PolicyName: 'more',
            PolicyDocument: policy(attached),
            Roles: [{ Ref: 'Role' }, { Ref: 'Other' }],
          },
        },
      });
    expect(role(5000, 5240)).toEqual([]);
    expect(role(5001, 5240)).toEqual(['The inline policies of Role: 10241 characters, and AWS takes 10240 at most']);
  });

  it('of the template counts without white space', () => {
    const padded = (length: number) => {
      const template = { Description: '', Resources: {} };
      const Description = long(length - JSON.stringify(template).length);
      return brokenLimits(JSON.stringify({ ...template, Description }, undefined, 4));
    };
    expect(padded(1_000_000)).toEqual([]);
    expect(padded(1_000_001)).toEqual(['The template: 1000001 bytes, and AWS takes 1000000 at most']);
  });

  it('of a parameter is at most 4,096 bytes', () => {
    const withDefault = (Default: string) => broken({}, { Parameters: { Url: { Default } } });
    expect(withDefault(long(4096))).toEqual([]);
    expect(withDefault('é'.repeat(2049))).toEqual(['The parameter Url: 4098 bytes, and AWS takes 4096 at most']);
  });
});

it.each([
  ['resources', 500, (count: number) => broken(many(count, { Type: 'AWS::SQS::QueuePolicy' }))],
  ['parameters', 200, (count: number) => broken({}, { Parameters: many(count, {}) })],
  ['outputs', 200, (count: number) => broken({}, { Outputs: many(count, {}) })],
])('a template has at most so many %s', (what, most, having) => {
  expect(having(most)).toEqual([]);
  expect(having(most + 1)).toEqual([`The template: ${most + 1} ${what}, and AWS takes ${most} at most`]);
});

describe('what only AWS knows', () => {
  const queue = { Type: 'AWS::SQS::Queue', Properties: {} };
  const sizeOf = (value: unknown, more: object = {}) => {
    const [text = ''] = broken(
      {
        Machine: {
          Type: 'AWS::StepFunctions::StateMachine',
          Properties: { DefinitionString: { 'Fn::Join': ['', [long(2_000_000), value]] } },
        },
        Queue: queue,
        Table: { Type: 'AWS::DynamoDB::Table', Properties: { TableName: { 'Fn::Sub': '${AWS::AccountId}-t' } } },
      },
      more,
    ).filter((each) => each.startsWith('DefinitionString'));
    return Number(/: (\d+) bytes/.exec(text)?.[1]) - 2_000_000;
  };

  it.each<[string, unknown, number]>([
    ['a partition', { Ref: 'AWS::Partition' }, 'aws-us-gov'.length],
    ['a parameter', { Ref: 'Url' }, 3],
    ['a text with several', { 'Fn::Sub': '${AWS::Partition}:${AWS::AccountId}' }, 23],
    ['a text with variables of its own', { 'Fn::Sub': ['${It}!', { It: { Ref: 'Url' } }] }, 4],
    ['the longer of two', { 'Fn::If': ['Some', 'short', { Ref: 'AWS::Partition' }] }, 10],
    ['nothing', { 'Fn::If': ['Some', '', ''] }, 0],
  ])('counts as long as it can be: %s', (_, value, expected) => {
    expect(sizeOf(value, { Parameters: { Url: { Default: 'url' } } })).toBe(expected);
  });

  it('counts an ARN with the longest name, or the name that is given', () => {
    const [generated, named] = [{ Ref: 'Queue' }, { 'Fn::GetAtt': ['Table', 'Arn'] }].map((value) => sizeOf(value));
    expect(generated).toBeGreaterThan(64 + 50);
    expect((generated ?? 0) - (named ?? 0)).toBe(64 - 14);
  });
});
