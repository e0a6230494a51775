import { describe, expect, it } from 'vitest';
import { parseTemplate } from '../../../../cli/vendor-template/content.ts';
import { evaluate, markOf, parametersIn, patternOf } from '../../../../cli/vendor-template/evaluate.ts';

const text = `
Parameters:
  Mode: { Type: String, AllowedValues: [a, b] }
  Days: { Type: Number, Default: 1.0 }
  Key: { Type: String, Default: "" }
  Other: { Type: String, Default: "" }
Mappings:
  Names: { first: { us: one } }
Conditions:
  IsA: !Equals [!Ref Mode, a]
  HasKey: { "Fn::Not": [{ "Fn::Equals": [{ Ref: Key }, ""] }] }
  Both: !And [!Condition IsA, !Condition HasKey]
  Either: !Or [{ Condition: IsA }, !Condition HasKey]
  Circle: !Not [!Condition Circle]
Resources:
  R:
    Type: AWS::SNS::Topic
    Condition: Both
    Properties:
      Ref: !Ref Mode
      If: !If [Either, [!Ref Key, !Ref AWS::NoValue], none]
      Gone: !If [IsA, !Ref AWS::NoValue, kept]
      Sub: !Sub "x-\${Mode}-\${!Mode}-\${AWS::Region}"
      SubOwn: !Sub ["\${Mode}/\${Own}", { Own: !Ref Days }]
      Join: !Join [":", [a, !Ref Days, !GetAtt X.Arn]]
      Map: !FindInMap [Names, first, us]
      Select: !Select [1, [a, !Ref Mode]]
      Circle: !If [Circle, a, b]
`;
const read = parseTemplate(text);
if (read === undefined) throw new Error('It is no template');
const template = read;
const properties = template.resources[0]?.properties ?? {};
const valueAt = (name: string, values: Record<string, string> = {}) =>
  evaluate(properties[name] ?? null, {
    template,
    values: new Map(Object.entries({ Mode: 'a', Days: '1.0', Key: '', ...values })),
  });

describe('a template', () => {
  it('is read with its text as it is written', () => {
    expect(
      template.parameters.map(({ name, default: byDefault, allowedValues }) => [name, byDefault, allowedValues]),
    ).toEqual([
      ['Mode', null, ['a', 'b']],
      ['Days', '1.0', null],
      ['Key', '', null],
      ['Other', '', null],
    ]);
    expect(template.resources).toMatchObject([{ name: 'R', type: 'AWS::SNS::Topic', condition: 'Both' }]);
  });

  it.each(['', 'text', '- a', 'a: [', 'Resources: []', 'Resources: { A: {} }', 'Resources: {}\nParameters: { A: x }'])(
    'is none: %j',
    (other) => {
      expect(parseTemplate(other)).toBeUndefined();
    },
  );

  it('may be JSON, with anchors in YAML, and with transforms', () => {
    expect(parseTemplate('{"Transform": "A", "Resources": {"R": {"Type": "T"}}}')).toMatchObject({ transforms: ['A'] });
    expect(parseTemplate('Transform: [A, B]\nResources:\n  R: &r { Type: T }\n  S: *r\n')).toMatchObject({
      transforms: ['A', 'B'],
      resources: [{ type: 'T' }, { name: 'S', type: 'T' }],
    });
  });
});

describe('an expression', () => {
  it.each<[name: string, values: Record<string, string>, expected: unknown]>([
    ['Ref', {}, 'a'],
    ['If', {}, ['']],
    ['If', { Mode: 'b' }, 'none'],
    ['If', { Mode: 'b', Key: 'k' }, ['k']],
    ['Gone', {}, null],
    ['Gone', { Mode: 'b' }, 'kept'],
    ['SubOwn', {}, 'a/1.0'],
    ['Map', {}, 'one'],
    ['Select', { Mode: 'b' }, 'b'],
  ])('%s with %j is %j', (name, values, expected) => {
    expect(valueAt(name, values)).toEqual(expected);
  });

  it('has a mark for what only the stack knows, which is a wildcard in a pattern', () => {
    expect(patternOf(String(valueAt('Sub')))).toBe('x-a-${Mode}-*');
    expect(patternOf(String(valueAt('Join')))).toBe('a:1.0:*');
    expect(valueAt('Ref', { Mode: markOf('Mode') })).toBe(markOf('Mode'));
  });

  it('goes in no circle', () => {
    expect(() => valueAt('Circle')).toThrow('refer to each other');
  });

  it('depends on parameters, also by way of conditions, each with what it is compared with', () => {
    const found = (name: string) =>
      [...parametersIn(properties[name] ?? null, template)].map(([parameter, compared]) => [parameter, [...compared]]);
    expect(found('Ref')).toEqual([['Mode', []]]);
    expect(found('If').toSorted()).toEqual([
      ['Key', ['']],
      ['Mode', ['a']],
    ]);
    expect(found('SubOwn')).toEqual([
      ['Mode', []],
      ['Days', []],
    ]);
    expect([...parametersIn({ Condition: 'Both' }, template).keys()].toSorted()).toEqual(['Key', 'Mode']);
    expect(found('Map')).toEqual([]);
  });
});
