import { describe, expect, it } from 'vitest';
import { parseTemplate } from '../../../../../sandbox/services/cloudformation/template.ts';

const withValue = (value: string) => `
Resources:
  Thing:
    Type: AWS::S3::Bucket
    Properties:
      Value: ${value}
`;

const some = 'Resources: { A: { Type: X } }';

describe('parseTemplate', () => {
  it.each([
    ['!Ref X', { Ref: 'X' }],
    ['!Sub "${X}-a"', { 'Fn::Sub': '${X}-a' }],
    ['!Sub ["${x}", { x: !Ref Y }]', { 'Fn::Sub': ['${x}', { x: { Ref: 'Y' } }] }],
    ['!GetAtt X.Arn', { 'Fn::GetAtt': 'X.Arn' }],
    ['!GetAtt [X, Arn]', { 'Fn::GetAtt': ['X', 'Arn'] }],
    ['!If [C, !Ref A, b]', { 'Fn::If': ['C', { Ref: 'A' }, 'b'] }],
    ['!Equals [a, b]', { 'Fn::Equals': ['a', 'b'] }],
    [
      '!And [!Condition A, !Not [!Condition B]]',
      { 'Fn::And': [{ Condition: 'A' }, { 'Fn::Not': [{ Condition: 'B' }] }] },
    ],
    ['!Or [!Condition A]', { 'Fn::Or': [{ Condition: 'A' }] }],
    ['!Join [",", [a, !Ref B]]', { 'Fn::Join': [',', ['a', { Ref: 'B' }]] }],
    ['!Select [0, !Split [",", a]]', { 'Fn::Select': [0, { 'Fn::Split': [',', 'a'] }] }],
    ['!FindInMap [A, b, c]', { 'Fn::FindInMap': ['A', 'b', 'c'] }],
  ])('reads %s in its long form', (short, long) => {
    expect(parseTemplate(withValue(short)).Resources.Thing?.Properties).toEqual({ Value: long });
  });

  it('reads JSON and fills in what may be absent', () => {
    const template = parseTemplate(
      '{"Resources": {"A": {"Type": "X", "DependsOn": "B", "UpdateReplacePolicy": "Retain"}}}',
    );
    expect(template).toEqual({
      Transform: [],
      Parameters: {},
      Mappings: {},
      Conditions: {},
      Rules: {},
      Outputs: {},
      Resources: {
        A: { Type: 'X', DependsOn: ['B'], DeletionPolicy: 'Delete', Properties: {}, UpdateReplacePolicy: 'Retain' },
      },
    });
  });

  it('has only strings as parameter values', () => {
    const body =
      '{"Parameters": {"P": {"Type": "String", "Default": true, "AllowedValues": [true, 1]}}, "Resources": {"A": {"Type": "X"}}}';
    expect(parseTemplate(body).Parameters.P).toEqual({ Type: 'String', Default: 'true', AllowedValues: ['true', '1'] });
  });

  it.each([
    ['broken JSON', '{', 'JSON not well-formed'],
    ['broken YAML', 'a: [', 'YAML not well-formed'],
    ['an unknown tag', withValue('!Cidr x'), '!Cidr'],
    ['no map', 'hello', 'unsupported structure'],
    ['no resources', 'Resources: {}', 'At least one Resources member must be defined.'],
    [
      'a resource without a type',
      'Resources: { A: { Properties: {} } }',
      '[/Resources/A] Every Resources object must contain a Type member.',
    ],
    ['a resource that is no map', 'Resources: { A: x }', 'Any Resources member must be an object.'],
    ['an unknown key of a resource', 'Resources: { A: { Type: X, Invalid: 10 } }', "resource property 'Invalid'"],
    ['a creation policy', 'Resources: { A: { Type: X, CreationPolicy: {} } }', 'does not have CreationPolicy'],
    [
      'a dynamic reference',
      "Resources: { A: { Type: X, Properties: { B: '{{resolve:secretsmanager:s}}' } } }",
      'does not have dynamic references, which resource A has',
    ],
    ['an update policy', 'Resources: { A: { Type: X, UpdatePolicy: {} } }', 'does not have UpdatePolicy'],
    [
      'an unknown deletion policy',
      'Resources: { A: { Type: X, DeletionPolicy: Keep } }',
      'Unrecognized DeletionPolicy Keep',
    ],
    ['a computed deletion policy', 'Resources: { A: { Type: X, DeletionPolicy: !Ref P } }', 'must be a string'],
    [
      'an unknown replacement policy',
      'Resources: { A: { Type: X, UpdateReplacePolicy: RetainExceptOnCreate } }',
      'Unrecognized UpdateReplacePolicy RetainExceptOnCreate for resource A',
    ],
    ['a logical id with a hyphen', 'Resources: { a-b: { Type: X } }', 'Resource name a-b is non alphanumeric.'],
    ['a parameter with a hyphen', `Parameters: { a-b: { Type: String } }\n${some}`, 'Parameter name a-b is non'],
    ['an output with a hyphen', `${some}\nOutputs: { a-b: { Value: x } }`, 'Output name a-b is non alphanumeric.'],
    ['a null output', `${some}\nOutputs: { O: { Value: null } }`, "[/Outputs/O/Value] 'null' values are not allowed"],
    ['an output without a value', `${some}\nOutputs: { O: {} }`, 'Every Outputs member must contain a Value object'],
    ['an empty section', `${some}\nParameters:\n`, "[/Parameters] 'null' values are not allowed in templates"],
    ['an unknown section', 'Resources: { A: { Type: X } }\nHooks: T', 'Hooks'],
  ])('refuses %s', (_name, body, message) => {
    expect(() => parseTemplate(body)).toThrow(
      expect.objectContaining({ code: 'ValidationError', message: expect.stringContaining(message) }),
    );
  });
});
