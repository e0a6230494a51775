import { describe, expect, it } from 'vitest';
import { InvalidRequest } from '../../../lib/errors.ts';
import { distinct, fault, faultAt, faultsMessage } from '../../../lib/faults.ts';

describe('a fault', () => {
  it('has its place as people write it, and as a JSON Pointer', () => {
    expect(fault(['stack', 'tags', 'a/b~c.d'], 'no')).toEqual({
      field: 'stack.tags.a/b~c.d',
      pointer: '/stack/tags/a~1b~0c.d',
      rule: 'no',
    });
    expect(fault(['users', 0, ''], 'no')).toMatchObject({ field: 'users.0.', pointer: '/users/0/' });
    expect(fault([], 'no')).toMatchObject({ field: 'request', pointer: '' });
    expect(fault(['request'], 'no')).toMatchObject({ field: 'request', pointer: '/request' });
    expect(faultAt('request', 'no')).toMatchObject({ field: 'request', pointer: '' });
    expect(faultAt('stack.build', 'no')).toMatchObject({ field: 'stack.build', pointer: '/stack/build' });
  });

  it('has names of bounded length, without half a character or a part of a secret', () => {
    expect(fault([`${'a b'.repeat(85)}😀 and more`], 'no').field).toBe(`${'a b'.repeat(85)}…`);
    expect(fault(['a b'.repeat(100)], 'no').pointer).toBe(`/${'a b'.repeat(100).slice(0, 256)}…`);
    expect(fault(['x'.repeat(400)], 'no').field).toBe('<redacted>');
  });
});

describe('the message of many faults', () => {
  const many = (count: number, rule: string) => Array.from({ length: count }, (_, n) => fault([`f${n}`], rule));

  it('names each, and says how many more there are', () => {
    expect(faultsMessage(many(1, 'no'))).toBe('f0: no');
    expect(faultsMessage(many(3, 'no'))).toBe('f0: no; f1: no; f2: no');
    expect(faultsMessage(many(20, 'no'))).toMatch(/; f19: no$/);
    expect(faultsMessage(many(25, 'no'))).toMatch(/; f19: no; and 5 more$/);
  });

  it('is bounded, but for a rule that is long alone', () => {
    expect(faultsMessage(many(30_000, 'x'.repeat(1500)))).toMatch(/^f0: x{1500}; f1: x{1500}; and 29998 more$/);
    expect(faultsMessage(many(2, 'x'.repeat(5000)))).toMatch(/^f0: x{5000}; and 1 more$/);
  });
});

it('a fault is reported once, and a name as unknown only when nothing more is known of it', () => {
  const unknown = (name: string) => fault([name], 'is not a known field');
  const twice = [
    fault(['a'], 'no'),
    fault(['a'], 'never'),
    fault(['a'], 'no'),
    unknown('a'),
    unknown('b'),
    unknown('b'),
  ];
  expect(distinct(twice).map(({ field, rule }) => `${field} ${rule}`)).toEqual([
    'a no',
    'a never',
    'b is not a known field',
  ]);
  const error = new InvalidRequest(twice);
  expect(error).toMatchObject({ field: 'a', message: 'a: no; a: never; b: is not a known field' });
  expect(error.faults).toHaveLength(3);
});
