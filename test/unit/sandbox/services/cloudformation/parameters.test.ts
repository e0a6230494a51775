import { describe, expect, it } from 'vitest';
import {
  parameterValues,
  resolveParameters,
} from '../../../../../sandbox/services/cloudformation/checks/parameters.ts';
import { checkRules } from '../../../../../sandbox/services/cloudformation/checks/rules.ts';
import { parseTemplate } from '../../../../../sandbox/services/cloudformation/template.ts';

const template = (sections: string) => parseTemplate(`${sections}\nResources: { A: { Type: X } }`);
const resolve = (parameter: string, ParameterValue: string) =>
  resolveParameters(template(`Parameters: { P: ${parameter} }`), [{ ParameterKey: 'P', ParameterValue }]);

describe('resolveParameters', () => {
  it.each([
    ['{ Type: Number }', 'x', "Parameter 'P' must be a number."],
    ['{ Type: Number, MinValue: 2 }', '1', "Parameter 'P' must be a number not less than 2"],
    ['{ Type: Number, MaxValue: "2" }', '3', "Parameter 'P' must be a number not greater than 2"],
    ['{ Type: String, MinLength: 2 }', 'a', "Parameter 'P' must contain at least 2 characters"],
    ['{ Type: String, MaxLength: 2 }', 'abc', "Parameter 'P' must contain at most 2 characters"],
    ['{ Type: String, AllowedPattern: "[a-z]+" }', 'ab1', "Parameter 'P' must match pattern [a-z]+"],
    ['{ Type: CommaDelimitedList, AllowedValues: [a, b] }', 'a,c', "Parameter 'P' must be one of AllowedValues"],
    ['{ Type: CommaDelimitedList, AllowedPattern: "[a-z]+" }', 'a,1', "Parameter 'P' must match pattern [a-z]+"],
    ['{ Type: List<Number> }', '1,x', "Parameter 'P' must be a number."],
    ['{ Type: List<Number>, MaxValue: 5 }', '1,9', "Parameter 'P' must be a number not greater than 5"],
    [
      '{ Type: String, MinLength: 2, ConstraintDescription: two letters }',
      'a',
      'Parameter P failed to satisfy constraint: two letters',
    ],
    ['{ Type: "AWS::SSM::Parameter::Value<String>" }', '/a', 'does not have the type of parameter P, AWS::SSM::'],
  ])('refuses for %s the value %s', (parameter, value, message) => {
    expect(() => resolve(parameter, value)).toThrow(message);
  });

  it.each([
    ['{ Type: CommaDelimitedList, AllowedValues: [a, b] }', 'b, a', ['b', 'a']],
    ['{ Type: List<Number>, MinValue: 1, MaxValue: 5 }', '1,5', ['1', '5']],
    ['{ Type: Number, MinValue: 1 }', '1.5', '1.5'],
    ['{ Type: String, MinLength: 1, MaxLength: 3, AllowedPattern: ".*" }', 'a,b', 'a,b'],
  ])('takes for %s the value %s', (parameter, value, expected) => {
    expect(parameterValues(template(`Parameters: { P: ${parameter} }`), resolve(parameter, value))).toEqual({
      P: expected,
    });
  });
});

describe('checkRules', () => {
  const check = (assertion: string, parameters: Record<string, string | string[]>) =>
    checkRules(template(`Rules: { R: { ${assertion} } }`), parameters);
  const asserts = (assert: string) => `Assertions: [{ Assert: ${assert}, AssertDescription: not so }]`;

  it.each([
    ['!Equals [!Ref P, a]', 'a', 'b'],
    ['!Not [!Equals [!Ref P, ""]]', 'a', ''],
    ['!Contains [[a, b], !Ref P]', 'b', 'c'],
    ['!And [!Contains [[a, b], !Ref P], !Not [!Equals [!Ref P, b]]]', 'a', 'b'],
    ['!Or [!Equals [!Ref P, a], !Equals [!Ref P, b]]', 'b', 'c'],
    ['!EachMemberIn [!Ref P, [a, b]]', ['a', 'b'], ['a', 'c']],
    ['!EachMemberEquals [!Ref P, a]', ['a', 'a'], ['a', 'b']],
  ])('holds %s', (assert, right, wrong) => {
    expect(() => check(asserts(assert), { P: right })).not.toThrow();
    expect(() => check(asserts(assert), { P: wrong })).toThrow(
      expect.objectContaining({ code: 'ValidationError', message: 'Template error: rule R failed: not so' }),
    );
  });

  it('looks at assertions only where the condition holds', () => {
    const rule = `RuleCondition: !Equals [!Ref P, a], ${asserts('!Equals [!Ref P, b]')}`;
    expect(() => check(rule, { P: 'c' })).not.toThrow();
    expect(() => check(rule, { P: 'a' })).toThrow('not so');
  });

  it('refuses a function that it does not have', () => {
    expect(() => check(asserts('{ "Fn::RefAll": "AWS::EC2::VPC::Id" }'), {})).toThrow('does not have Fn::RefAll');
  });
});
