import { describe, expect, it } from 'vitest';
import { dependencies, dependencyOrder } from '../../../../../sandbox/services/cloudformation/dependencies.ts';
import { parseTemplate, type Template } from '../../../../../sandbox/services/cloudformation/template.ts';

function template(resources: Record<string, object>, rest: object = {}): Template {
  const withTypes = Object.entries(resources).map(([id, resource]) => [id, { Type: 'X', ...resource }]);
  return parseTemplate(JSON.stringify({ ...rest, Resources: Object.fromEntries(withTypes) }));
}
const needs = (value: unknown) => ({ Properties: { value } });

/** What is tested: both functions as CreateStack calls them. */
const orderOf = (...template: Parameters<typeof dependencies>) => dependencyOrder(dependencies(...template));

describe('dependencyOrder', () => {
  it.each([
    ['Ref', { Ref: 'Z' }],
    ['GetAtt', { 'Fn::GetAtt': ['Z', 'Arn'] }],
    ['GetAtt as a string', { 'Fn::GetAtt': 'Z.Arn' }],
    ['Sub', { 'Fn::Sub': 'a-${Z}' }],
    ['Sub of an attribute', { 'Fn::Sub': 'a-${Z.Arn}' }],
    ['a variable of Sub', { 'Fn::Sub': ['${hash}', { hash: { 'Fn::GetAtt': ['Z', 'Arn'] } }] }],
    ['a deep reference', { 'Fn::Join': ['', ['a', { b: [{ Ref: 'Z' }] }]] }],
  ])('puts a resource after those that it needs by %s', (_name, value) => {
    expect(orderOf(template({ A: needs(value), Z: {} }))).toEqual(['Z', 'A']);
  });

  it('follows DependsOn and else keeps the order of the template', () => {
    expect(orderOf(template({ C: {}, A: { DependsOn: ['Z'] }, B: {}, Z: {} }))).toEqual(['C', 'Z', 'A', 'B']);
  });

  it('does not take parameters, pseudo parameters, literals and variables of Sub for resources', () => {
    const value = [{ Ref: 'P' }, { 'Fn::Sub': ['${AWS::Region}${!Lit}${v}', { v: 'x' }] }, { Ref: 'AWS::NoValue' }];
    expect(orderOf(template({ A: needs(value) }, { Parameters: { P: { Type: 'String' } } }))).toEqual(['A']);
  });

  it('leaves out what the conditions leave out', () => {
    const conditional = template({
      A: { DependsOn: 'Z', ...needs({ 'Fn::If': ['C', { Ref: 'Z' }, 'none'] }) },
      Z: { Condition: 'C' },
    });
    expect(orderOf(conditional, { C: false })).toEqual(['A']);
    expect(orderOf(conditional, { C: true })).toEqual(['Z', 'A']);
  });

  it.each([
    ['a cycle', template({ A: {}, B: needs({ Ref: 'C' }), C: { DependsOn: 'B' } }), 'resources: [B, C]'],
    ['a resource that needs itself', template({ A: needs({ Ref: 'A' }) }), 'resources: [A]'],
    ['a dangling Ref', template({ A: needs({ Ref: 'Nope' }) }), '[Nope] in the Resources block'],
    ['a dangling DependsOn', template({ A: { DependsOn: 'Nope' } }), '[Nope] in the Resources block'],
    ['a dangling Sub', template({ A: needs({ 'Fn::Sub': '${Nope.Arn}' }) }), '[Nope] in the Resources block'],
    [
      'a dangling output',
      template({ A: {} }, { Outputs: { O: { Value: { Ref: 'Nope' } } } }),
      '[Nope] in the Outputs block',
    ],
  ])('names %s', (_name, broken, message) => {
    expect(() => orderOf(broken)).toThrow(message);
  });

  it('finds a reference to a resource that a condition leaves out dangling', () => {
    const conditional = template({ A: needs({ Ref: 'Z' }), Z: { Condition: 'C' } });
    expect(() => orderOf(conditional, { C: false })).toThrow('[Z] in the Resources block');
  });
});
