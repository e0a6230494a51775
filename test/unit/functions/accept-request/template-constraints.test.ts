import { describe, expect, it } from 'vitest';
import { templateConstraints, verdictOf } from '../../../../functions/accept-request/template-constraints.ts';
import { templateContent } from '../../../../lib/stacks/template-content.ts';
import { parameterValues, resolveParameters } from '../../../../sandbox/services/cloudformation/checks/parameters.ts';
import { parseTemplate } from '../../../../sandbox/services/cloudformation/template.ts';

const templateOf = (parameter: string) => `Parameters: { P: ${parameter} }\nResources: { A: { Type: X } }`;

function verdict(parameter: string, value: string) {
  const { P } = parseTemplate(templateOf(parameter)).Parameters;
  return verdictOf(value, {
    type: P?.Type ?? '',
    allowedValues: P?.AllowedValues ?? [],
    constraints: templateConstraints(templateContent(templateOf(parameter))).get('P') ?? {},
  });
}

/** Whether CloudFormation takes it, as the sandbox has it. */
function isTaken(parameter: string, value: string): boolean {
  const template = parseTemplate(templateOf(parameter));
  try {
    return Object.hasOwn(
      parameterValues(template, resolveParameters(template, [{ ParameterKey: 'P', ParameterValue: value }])),
      'P',
    );
  } catch {
    return false;
  }
}

describe('a value that the template does not allow', () => {
  it.each([
    ['{ Type: String, AllowedValues: [a, b] }', 'c', 'the template allows only a, b'],
    ['{ Type: CommaDelimitedList, AllowedValues: [a, b] }', 'a,c', 'the template allows only a, b'],
    ['{ Type: Number }', 'x', 'must be a number'],
    ['{ Type: Number, MinValue: 2 }', '1', 'must be at least 2'],
    ['{ Type: Number, MaxValue: "2" }', '3', 'must be at most 2'],
    ['{ Type: List<Number>, MaxValue: 5 }', '1, 9', 'must be at most 5'],
    ['{ Type: String, MinLength: 2 }', 'a', 'must have at least 2 characters'],
    ['{ Type: String, MaxLength: 2 }', 'abc', 'must have at most 2 characters'],
    ['{ Type: String, AllowedPattern: "[a-z]+" }', 'ab1', 'must match the pattern [a-z]+'],
    ['{ Type: String, AllowedPattern: "^[^\\\\s]+$" }', 'a b', 'must match the pattern ^[^\\s]+$'],
    ['{ Type: CommaDelimitedList, AllowedPattern: "[a-z]+" }', 'a,1', 'must match the pattern [a-z]+'],
    ['{ Type: String, MinLength: 9, ConstraintDescription: nine or more }', 'a', 'nine or more (must have at least 9'],
    ['{ Type: String }', 'é'.repeat(2049), 'more than 4096 bytes'],
  ])('is refused: %s', (parameter, value, rule) => {
    expect(verdict(parameter, value)).toEqual({ broken: expect.stringContaining(rule) });
    expect(isTaken(parameter, value)).toBe(false);
  });
});

it.each([
  ['{ Type: String, AllowedValues: [a, b] }', 'a'],
  ['{ Type: CommaDelimitedList, AllowedValues: [a, b] }', 'b, a'],
  ['{ Type: Number, MinValue: 1, MaxValue: 2 }', '1.5'],
  ['{ Type: List<Number>, MaxValue: 5 }', '1,5'],
  ['{ Type: String, MinLength: 1, MaxLength: 3, AllowedPattern: "^.+$" }', 'a,b'],
  ['{ Type: "AWS::EC2::VPC::Id" }', 'vpc-1'],
])('a value that it allows is not refused: %s', (parameter, value) => {
  expect(verdict(parameter, value)).toBeUndefined();
});

describe('what only CloudFormation can decide', () => {
  it.each([
    ['{ Type: "AWS::SSM::Parameter::Value<String>", AllowedValues: [/a] }', '/b', 'the type AWS::SSM::'],
    ['{ Type: CommaDelimitedList, AllowedPattern: "[a-z]+" }', '', 'the type CommaDelimitedList'],
    ['{ Type: Number, AllowedValues: [1, 2] }', '1.0', 'AllowedValues of a number'],
    ['{ Type: Number }', '0x10', 'a number in this form'],
    ['{ Type: Number }', '1e3', 'a number in this form'],
    ['{ Type: String, AllowedPattern: "(?i)[a-z]+" }', 'A', 'the pattern'],
    ['{ Type: String, AllowedPattern: "[a-z&&[^b]]+" }', 'b', 'the pattern'],
    ['{ Type: String, AllowedPattern: "\\\\p{Alpha}+" }', '1', 'the pattern'],
    ['{ Type: String, AllowedPattern: "[[:alpha:]]+" }', '1', 'the pattern'],
    ['{ Type: String, AllowedPattern: "a++b" }', 'c', 'the pattern'],
    ['{ Type: String, AllowedPattern: "\\\\S+" }', 'a\u00a0b', 'the pattern'],
  ])('is left to it: %s', (parameter, value, what) => {
    expect(verdict(parameter, value)).toEqual({ undecided: expect.stringContaining(what) });
  });
});

it.each([
  ['no template', 'hello'],
  ['broken', 'a: ['],
  ['without parameters', 'Resources: {}'],
  ['with parameters that are no maps', 'Parameters: { P: x, Q: { MinLength: many } }'],
])('a text %s has no constraints', (_name, text) => {
  expect([...templateConstraints(templateContent(text)).keys()]).toEqual([]);
});
