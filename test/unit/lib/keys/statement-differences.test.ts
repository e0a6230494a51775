import { describe, expect, it } from 'vitest';
import { statementDifferences } from '../../../../lib/keys/statement-differences.ts';

const expected = {
  Sid: 'Ours',
  Effect: 'Allow',
  Principal: { AWS: ['a', 'b'] },
  Action: ['x', 'y'],
  Resource: '*',
  Condition: { Bool: { c: 'true' } },
};

describe('how a statement differs', () => {
  it('ignores the order, and whether a single value stands alone', () => {
    const told = { ...expected, Principal: { AWS: ['b', 'a'] }, Action: ['y', 'x'], Resource: ['*'] };
    expect(statementDifferences(told, expected)).toEqual([]);
    expect(statementDifferences({ ...expected, Principal: '*' }, { ...expected, Principal: { AWS: '*' } })).toEqual([]);
  });

  it('names each element, those that are to be there first', () => {
    const { Effect: _, ...rest } = expected;
    expect(statementDifferences({ NotAction: 'z', ...rest, Action: 'x', Resource: ['*', 'r'] }, expected)).toEqual([
      'Effect is missing',
      'Action lacks "y"',
      'Resource should not have "r"',
      'NotAction should not be there',
    ]);
  });

  it.each([
    ['a value of another type', { c: true }, 'Condition.Bool.c has true in place of "true"'],
    ['an empty array', { c: [] }, 'Condition.Bool.c lacks "true"'],
    ['an object that is empty', {}, 'Condition.Bool.c is missing'],
  ])('names a condition with %s', (_, Bool, difference) => {
    expect(statementDifferences({ ...expected, Condition: { Bool } }, expected)[0]).toBe(difference);
  });

  it('names an empty element that should not be there', () => {
    expect(statementDifferences({ ...expected, NotPrincipal: {} }, expected)).toEqual([
      'NotPrincipal should not be there',
    ]);
  });

  it('is not the policy over again: of many values three are named, and of each the beginning', () => {
    const AWS = ['a', 'b', 'u'.repeat(1_000), ...Array.from({ length: 400 }, (_, n) => `user-${n}`)];
    expect(statementDifferences({ ...expected, Principal: { AWS } }, expected)).toEqual([
      `Principal.AWS should not have "${'u'.repeat(99)}…, "user-0", "user-1" and 398 more`,
    ]);
  });
});
