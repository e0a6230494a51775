import { describe, expect, it } from 'vitest';
import {
  evaluate,
  evaluateConditions,
  pseudoParameters,
  type Scope,
} from '../../../../../sandbox/services/cloudformation/evaluate.ts';

const scope: Scope = {
  pseudoParameters: pseudoParameters({
    accountId: '111111111111',
    region: 'us-east-1',
    stackName: 'tenant',
    stackId: 'arn:stack',
  }),
  parameters: { Name: 'acme', Empty: '' },
  conditions: { Yes: true, No: false },
  resources: new Map([['Role', { physicalId: 'the-role', attributes: { Arn: 'arn:role', 'Nested.Name': 'deep' } }]]),
};

describe('evaluate', () => {
  it.each<[unknown, unknown]>([
    [{ Ref: 'Name' }, 'acme'],
    [{ Ref: 'Empty' }, ''],
    [{ Ref: 'Role' }, 'the-role'],
    [{ Ref: 'AWS::AccountId' }, '111111111111'],
    [{ Ref: 'AWS::Region' }, 'us-east-1'],
    [{ Ref: 'AWS::Partition' }, 'aws'],
    [{ Ref: 'AWS::StackName' }, 'tenant'],
    [{ Ref: 'AWS::StackId' }, 'arn:stack'],
    [{ Ref: 'AWS::URLSuffix' }, 'amazonaws.com'],
    [{ 'Fn::GetAtt': 'Role.Arn' }, 'arn:role'],
    [{ 'Fn::GetAtt': ['Role', 'Arn'] }, 'arn:role'],
    [{ 'Fn::GetAtt': 'Role.Nested.Name' }, 'deep'],
    [{ 'Fn::Sub': '${Name}/${Role}/${Role.Arn}/${AWS::Region}/${!Name}' }, 'acme/the-role/arn:role/us-east-1/${Name}'],
    [{ 'Fn::Sub': ['${hash}-${Name}', { hash: { 'Fn::GetAtt': ['Role', 'Arn'] } }] }, 'arn:role-acme'],
    [{ 'Fn::Join': [':', ['a', { Ref: 'Name' }, 1]] }, 'a:acme:1'],
    [{ 'Fn::If': ['Yes', { Ref: 'Name' }, { Ref: 'Missing' }] }, 'acme'],
    [{ 'Fn::If': ['No', 'a', { b: { Ref: 'Name' } }] }, { b: 'acme' }],
    [{ keep: 1, drop: { Ref: 'AWS::NoValue' } }, { keep: 1 }],
    [['a', { 'Fn::If': ['No', 'b', { Ref: 'AWS::NoValue' }] }], ['a']],
    [
      { Condition: { Bool: { 'aws:x': 'true' } }, n: null },
      { Condition: { Bool: { 'aws:x': 'true' } }, n: null },
    ],
  ])('%j is %j', (value, expected) => {
    expect(evaluate(value, scope)).toStrictEqual(expected);
  });

  it.each([
    [{ 'Fn::Cidr': ['10.0.0.0/8'] }, 'Fn::Cidr'],
    [{ Ref: 'Missing' }, 'Missing'],
    [{ Ref: 'constructor' }, 'constructor'],
    [{ 'Fn::GetAtt': 'Missing.Arn' }, 'Missing'],
    [{ 'Fn::GetAtt': 'Role.Nope' }, 'resource Role does not support attribute type Nope'],
    [{ 'Fn::Sub': '${Missing}' }, 'Missing'],
    [{ 'Fn::If': ['Unknown', 1, 2] }, 'Unknown'],
    [{ 'Fn::Join': [',', [{ a: 1 }]] }, 'Fn::Join needs a string'],
  ])('%j fails and says why', (value, message) => {
    expect(() => evaluate(value, scope)).toThrow(message);
  });
});

describe('evaluateConditions', () => {
  const conditions = (Conditions: Record<string, unknown>) => evaluateConditions({ Conditions }, scope);

  it('knows all condition functions, in any order of definition', () => {
    const isAcme = { 'Fn::Equals': [{ Ref: 'Name' }, 'acme'] };
    const isOther = { 'Fn::Equals': [{ Ref: 'Name' }, 'other'] };
    expect(
      conditions({
        Later: { Condition: 'Equal' },
        Equal: isAcme,
        Unequal: isOther,
        Not: { 'Fn::Not': [isOther] },
        And: { 'Fn::And': [isAcme, isOther] },
        Or: { 'Fn::Or': [isAcme, isOther] },
      }),
    ).toEqual({ Later: true, Equal: true, Unequal: false, Not: true, And: false, Or: true });
  });

  it.each([
    ['an unknown function', { A: { 'Fn::Xor': [] } }, 'Fn::Xor'],
    ['an unknown condition', { A: { Condition: 'B' } }, 'B'],
    ['a circle', { X: { 'Fn::Equals': ['x', 'x'] }, A: { Condition: 'B' }, B: { Condition: 'A' } }, '[A, B]'],
  ])('refuses %s', (_name, definitions, message) => {
    expect(() => conditions(definitions)).toThrow(message);
  });
});
