import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, parseDocument, stringify } from 'yaml';
import { deletionPolicies } from '../../../../lib/stacks/deletion-policies.ts';
import { parseTemplate } from '../../../../sandbox/services/cloudformation/template.ts';

const read = (template: string) => Object.fromEntries(deletionPolicies(template));
const standIn = readFileSync(
  join(import.meta.dirname, '../../../../sandbox/infinstor/infinstor-setup-customer.yaml'),
  'utf8',
);

describe('the deletion policies of a template', () => {
  it('are read in YAML', () => {
    expect(read(standIn)).toEqual({ ArtifactsBucket: 'Retain', TrackingTable: 'Retain' });
  });

  it('are read in JSON', () => {
    const { Resources } = parseTemplate(standIn);
    expect(read(JSON.stringify({ Resources }, null, 2))).toMatchObject({
      ArtifactsBucket: 'Retain',
      TrackingTable: 'Retain',
    });
  });

  it.each([
    ['with Windows line ends', 'Resources:\r\n  A:\r\n    DeletionPolicy: Retain\r\n', { A: 'Retain' }],
    ['quoted', `"Resources":\n 'A':\n  "DeletionPolicy": 'Retain' # for ever\n`, { A: 'Retain' }],
    ['after comments', '# a\nResources: # b\n# c\n  # d\n  A: # e\n  # f\n    DeletionPolicy: Retain', { A: 'Retain' }],
    ['in flow style', 'Resources:\n  A: { DeletionPolicy: Retain }\n', { A: 'Retain' }],
    ['after an anchor', 'Resources:\n  A: &a\n    DeletionPolicy: Retain\n', { A: 'Retain' }],
    ['beside short forms', 'Resources:\n  A:\n    B: !Sub "${C}"\n    DeletionPolicy: Retain\n', { A: 'Retain' }],
    [
      'between other sections',
      'A:\n  B:\n    DeletionPolicy: Retain\nResources:\n  C:\n    DeletionPolicy: Delete\nD: 1',
      { C: 'Delete' },
    ],
  ])('are read %s', (_, template, expected) => {
    expect(read(template)).toEqual(expected);
  });

  it.each([
    ['of a property', 'Resources:\n  A:\n    Type: T\n    Properties:\n      DeletionPolicy: Retain\n'],
    ['of a deeper property', 'Resources:\n  A:\n    Properties:\n          DeletionPolicy: Retain\n    Type: T\n'],
    ['in a text', 'Resources:\n  A:\n    Description: |\n      x\n     DeletionPolicy: Retain\n'],
    ['in a text between resources', 'Resources:\n  A: >\n    DeletionPolicy: Retain\n'],
    ['in a comment', 'Resources:\n  A:\n    # DeletionPolicy: Retain\n    Type: T\n'],
    ['of another section', 'Metadata:\n  A:\n    DeletionPolicy: Retain\n'],
    ['of nothing at all', ''],
    ['of broken JSON', '{ "Resources": '],
    ['of JSON without resources', '{}'],
    ['that is computed', '{"Resources": {"A": {"DeletionPolicy": {"Ref": "Policy"}}}}'],
    ['that a tag computes', 'Resources:\n  A:\n    DeletionPolicy: !Ref Policy\n'],
    ['of a text', 'Resources'],
    ['of broken YAML', 'Resources:\n  A:\n    DeletionPolicy: Retain\n  - B\n'],
  ])('are not taken from what stands %s', (_, template) => {
    expect(read(template)).toEqual({});
  });

  it('are read whatever stands around them', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'DeletionPolicy: Retain',
        'a\n    DeletionPolicy: Retain\nb',
        '# x',
        'Resources:\n  A:',
        '"',
        "'",
      ),
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ maxDepth: 3 }, text, fc.integer(), fc.array(tie('any'), { maxLength: 3 }), tie('map')),
      map: fc.dictionary(fc.constantFrom('DeletionPolicy', 'Type', 'x', 'Resources'), tie('any'), { maxKeys: 3 }),
    })).any;
    const resource = fc.record(
      {
        Type: fc.constantFrom('AWS::S3::Bucket', 'Custom::X'),
        DeletionPolicy: fc.constantFrom('Retain', 'Delete', 'RetainExceptOnCreate'),
        Properties: value,
        DependsOn: fc.array(fc.constantFrom('A', 'B'), { minLength: 1, maxLength: 2 }),
        Metadata: text,
      },
      { requiredKeys: ['Type'] },
    );
    const template = fc.record({
      Description: text,
      Metadata: value,
      Resources: fc.dictionary(fc.stringMatching(/^[A-Z][A-Za-z0-9]{0,9}$/), resource, { minKeys: 1, maxKeys: 4 }),
      Outputs: value,
    });
    const styles = fc.record({
      indent: fc.integer({ min: 1, max: 6 }),
      indentSeq: fc.boolean(),
      lineWidth: fc.constantFrom(0, 20),
      defaultStringType: fc.constantFrom(
        'PLAIN' as const,
        'QUOTE_SINGLE' as const,
        'BLOCK_LITERAL' as const,
        'BLOCK_FOLDED' as const,
      ),
      defaultKeyType: fc.constantFrom('PLAIN' as const, 'QUOTE_DOUBLE' as const),
    });
    fc.assert(
      fc.property(template, styles, (given, style) => {
        const written = stringify(given, style);
        // Some that it folds it cannot read itself.
        fc.pre(parseDocument(written).errors.length === 0);
        const expected = Object.entries<{ DeletionPolicy?: string }>(parse(written).Resources).flatMap(
          ([logicalId, { DeletionPolicy }]) => (DeletionPolicy === undefined ? [] : [[logicalId, DeletionPolicy]]),
        );
        expect(read(written)).toEqual(Object.fromEntries(expected));
      }),
    );
  });
});
