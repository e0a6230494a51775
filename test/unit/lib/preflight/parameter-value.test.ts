import { describe, expect, it } from 'vitest';
import { ownWordsOf, verdictOf } from '../../../../lib/preflight/parameter-value.ts';

const verdict = (type: string, value: string, ...allowedValues: string[]) => verdictOf(value, { type, allowedValues });

describe("a parameter's value", () => {
  it.each([
    ['String', 'c', ['a', 'b'], 'the template allows only a, b'],
    ['String', 'a,b', ['a', 'b'], 'the template allows only a, b'],
    ['CommaDelimitedList', 'a,c', ['a', 'b'], 'the template allows only a, b'],
    ['List<AWS::EC2::Subnet::Id>', 'a,c', ['a'], 'the template allows only a'],
    ['Number', 'x', [], 'must be a number'],
    ['List<Number>', '1,x', [], 'must be a number'],
    ['String', 'é'.repeat(2049), [], 'more than 4096 bytes'],
  ])('of type %s is refused: %s', (type, value, allowed, rule) => {
    expect(verdict(type, value, ...allowed)).toEqual({ broken: expect.stringContaining(rule) });
  });

  it.each([
    ['String', 'a', ['a', 'b']],
    ['CommaDelimitedList', 'b, a', ['a', 'b']],
    ['Number', '-1.5', []],
    ['List<Number>', '1, 2', ['1', '2']],
    ['AWS::EC2::VPC::Id', 'vpc-1', []],
  ])('of type %s is taken: %s', (type, value, allowed) => {
    expect(verdict(type, value, ...allowed)).toBeUndefined();
  });

  it.each([
    ['AWS::SSM::Parameter::Value<String>', '/b', ['/a'], 'the type AWS::SSM::'],
    ['CommaDelimitedList', '', ['a'], 'the type CommaDelimitedList'],
    ['Number', '1.0', ['1', '2'], 'AllowedValues of a number'],
    ['Number', '0x10', [], 'a number in this form'],
    ['Number', '1e3', [], 'a number in this form'],
  ])('of type %s is left to CloudFormation: %s', (type, value, allowed, what) => {
    expect(verdict(type, value, ...allowed)).toEqual({ undecided: expect.stringContaining(what) });
  });
});

it('what a template says of values beside that is found in YAML and JSON', () => {
  expect(ownWordsOf('Rules:\n  R: {}\nParameters: { P: { Type: Number, MaxValue: 7 } }')).toEqual([
    'MaxValue',
    'Rules',
  ]);
  expect(ownWordsOf('{"Parameters": {"P": {"AllowedPattern" : "x"}}}')).toEqual(['AllowedPattern']);
  expect(ownWordsOf('Resources: {}')).toEqual([]);
  expect(ownWordsOf('Parameters: {}\n"Rules":\n  R: {}')).toEqual(['Rules']);
  expect(ownWordsOf('{\n  "Parameters": {},\n  "Rules": {"R": {}}}')).toEqual(['Rules']);
});

it.each([
  'Resources:\n  B:\n    Properties:\n      LifecycleConfiguration:\n        Rules:\n          - Id: x',
  'Resources: { B: { Properties: { LifecycleConfiguration: { Rules: [{ Id: x }] } } } }',
  '{"Resources": {"B": {"Properties": {"LifecycleConfiguration": {"Rules": [{"Id": "x"}]}}}}}',
])("rules of a resource are none of the template's: %s", (text) => {
  expect(ownWordsOf(text)).toEqual([]);
});
