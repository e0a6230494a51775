import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queryInput } from '../../../../sandbox/http/protocols.ts';

type Value = string | Value[] | { [name: string]: Value };

/** The parameters of a value, as the Query protocol numbers and joins them. */
function parameters(value: Value, name: string): [string, string][] {
  if (typeof value === 'string') return [[name, value]];
  const members: [string, Value][] = Array.isArray(value)
    ? value.map((member, index) => [`member.${index + 1}`, member])
    : Object.entries(value);
  return members.flatMap(([member, inner]) => parameters(inner, `${name}.${member}`));
}

const name = fc.stringMatching(/^M[A-Za-z]{0,8}$/);
const { value } = fc.letrec<{ value: Value; structure: { [name: string]: Value } }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: 'grapheme' }),
    tie('structure'),
    fc.array(tie('value'), { minLength: 1, maxLength: 12 }),
  ),
  structure: fc.dictionary(name, tie('value'), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
}));

describe('queryInput', () => {
  it('reads any nesting of structures and lists, whatever the order of its parameters', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true }), fc.boolean(), (input, reverse) => {
        const pairs = Object.entries(input).flatMap(([member, inner]) => parameters(inner, member));
        const body = new URLSearchParams([
          ['Action', 'DoIt'],
          ['Version', '2010-05-15'],
          ...(reverse ? pairs.toReversed() : pairs),
        ]);
        expect(queryInput(body.toString())).toEqual({ operationName: 'DoIt', input });
      }),
    );
  });

  it('has no operation when none is named', () => {
    expect(queryInput('')).toEqual({ operationName: '', input: {} });
  });
});
