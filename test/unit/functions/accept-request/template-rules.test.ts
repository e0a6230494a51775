import { describe, expect, it } from 'vitest';
import { ruleVerdicts } from '../../../../functions/accept-request/template-rules.ts';
import { templateContent } from '../../../../lib/stacks/template-content.ts';

const verdicts = (rule: string, values: Record<string, string | string[]>) =>
  ruleVerdicts(templateContent(`Rules:\n  R: { ${rule} }\n`), new Map(Object.entries(values)));
const asserts = (assert: string) => `Assertions: [{ Assert: ${assert}, AssertDescription: not so }]`;
const holds = { broken: [], undecided: [] };
const undecided = { broken: [], undecided: ['R'] };
const broken = { broken: [{ rule: 'R', description: 'not so', parameters: ['P'] }], undecided: [] };

describe('a rule', () => {
  it.each([
    ['!Equals [!Ref P, a]', 'a', 'b'],
    ['!Equals [!Ref P, true]', 'true', 'false'],
    ['!Not [!Equals [!Ref P, ""]]', 'a', ''],
    ['!Contains [[a, b], !Ref P]', 'b', 'c'],
    ['{ "Fn::And": [!Contains [[a, b], !Ref P], !Not [!Equals [b, a]]] }', 'a', 'c'],
    ['!Or [!Equals [!Ref P, a], !Equals [a, b]]', 'a', 'c'],
    ['!EachMemberIn [!Ref P, [a, b]]', ['a', 'b'], ['a', 'c']],
    ['!EachMemberEquals [!Ref P, a]', ['a', 'a'], ['a', 'b']],
  ])('holds or not: %s', (assert, right, wrong) => {
    expect(verdicts(asserts(assert), { P: right })).toEqual(holds);
    expect(verdicts(asserts(assert), { P: wrong })).toEqual(broken);
  });

  it('is looked at only where its condition holds', () => {
    const rule = `RuleCondition: !Equals [!Ref Q, a], ${asserts('!Equals [!Ref P, b]')}`;
    expect(verdicts(rule, { P: 'c', Q: 'x' })).toEqual(holds);
    expect(verdicts(rule, { P: 'c', Q: 'a' })).toEqual(broken);
    expect(verdicts(rule, { P: 'c' })).toEqual(undecided);
  });

  it.each([
    ['of a parameter that is not known', '!Equals [!Ref Token, x]'],
    ['of another function', '!Equals [!Select [0, [a]], x]'],
    ['of a rule function of parameters of a type', '!Contains [!RefAll "AWS::EC2::VPC::Id", x]'],
    ['of numbers that may be the same', '!Equals [!Ref N, 1]'],
    ['of what may be a boolean', '!Equals [!Ref P, yes]'],
    ['of what is no list', '!EachMemberIn [!Ref P, [a]]'],
    ['of a condition', '{ Condition: C }'],
    ['with one part that is not known', '!And [!Equals [!Ref P, p], !Equals [!Ref Token, x]]'],
  ])('%s is left to CloudFormation', (_name, assert) => {
    expect(verdicts(asserts(assert), { P: 'p', N: '1.0' })).toEqual(undecided);
  });

  it('in which one part is decided is decided', () => {
    expect(verdicts(asserts('!And [!Equals [!Ref P, x], !Equals [!Ref P, z]]'), { P: 'p' }).broken).toHaveLength(1);
    expect(verdicts(asserts('!Or [!Equals [!Ref P, p], !Equals [!Ref Token, x]]'), { P: 'p' })).toEqual(holds);
  });

  it('that cannot be read is left to CloudFormation', () => {
    expect(verdicts('Assertions: none', {})).toEqual(undecided);
    expect(ruleVerdicts(templateContent('Resources: {}'), new Map())).toEqual(holds);
  });
});
