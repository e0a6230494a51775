import { describe, expect, it } from 'vitest';
import { parseTemplate } from '../../../../../sandbox/services/cloudformation/template.ts';

const withValue = (value: string) => `
Resources:
  Thing:
    Type: AWS::S3::Bucket
    Properties:
      Value: ${value}
`;

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
    const template = parseTemplate('{"Resources": {"A": {"Type": "X", "DependsOn": "B", "Unknown": 1}}}');
    expect(template).toEqual({
      Transform: [],
      Parameters: {},
      Mappings: {},
      Conditions: {},
      Outputs: {},
      Resources: { A: { Type: 'X', DependsOn: ['B'], DeletionPolicy: 'Delete', Properties: {}, Unknown: 1 } },
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
    ['no map', 'hello', 'template'],
    ['no resources', 'Resources: {}', 'at least one Resources member'],
    ['a resource without a type', 'Resources: { A: { Properties: {} } }', 'Resources.A.Type'],
    ['an unknown section', 'Resources: { A: { Type: X } }\nHooks: T', 'Hooks'],
  ])('refuses %s', (_name, body, message) => {
    expect(() => parseTemplate(body)).toThrow(
      expect.objectContaining({ code: 'ValidationError', message: expect.stringContaining(message) }),
    );
  });
});
