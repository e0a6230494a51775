import { describe, expect, it } from 'vitest';
import { compileEventPattern } from '../../../../../sandbox/services/events/event-pattern.ts';

const event = {
  source: 'aws.states',
  resources: ['arn:one', 'arn:two'],
  detail: {
    status: 'FAILED',
    count: 300,
    ok: false,
    input: null,
    nested: { name: 'Acme' },
    items: [{ id: 1 }, { id: 2 }],
  },
};

describe('matching', () => {
  it.each<[string, object, boolean]>([
    ['a literal', { source: ['aws.states'] }, true],
    ['another literal', { source: ['aws.s3'] }, false],
    ['one of several literals', { detail: { status: ['TIMED_OUT', 'FAILED'] } }, true],
    ['every field', { source: ['aws.states'], detail: { status: ['FAILED'] } }, true],
    ['not every field', { source: ['aws.states'], detail: { status: ['SUCCEEDED'] } }, false],
    ['a number', { detail: { count: [300] } }, true],
    ['a number as text', { detail: { count: ['300'] } }, false],
    ['a boolean', { detail: { ok: [false] } }, true],
    ['null', { detail: { input: [null] } }, true],
    ['null, absent', { detail: { absent: [null] } }, false],
    ['a name of the object prototype', { detail: { constructor: [{ exists: true }] } }, false],
    ['an element of an array', { resources: ['arn:two'] }, true],
    ['no element of an array', { resources: ['arn:three'] }, false],
    ['an object of an array', { detail: { items: { id: [2] } } }, true],
    ['an absent object', { other: { id: [2] } }, false],
    ['prefix', { source: [{ prefix: 'aws.' }] }, true],
    ['another prefix', { source: [{ prefix: 'states' }] }, false],
    ['suffix', { source: [{ suffix: '.states' }] }, true],
    ['another suffix', { source: [{ suffix: 'aws' }] }, false],
    ['equals-ignore-case', { detail: { nested: { name: [{ 'equals-ignore-case': 'aCME' }] } } }, true],
    ['equals-ignore-case, other text', { detail: { nested: { name: [{ 'equals-ignore-case': 'acm' }] } } }, false],
    ['wildcard', { source: [{ wildcard: 'a*.st*s' }] }, true],
    ['wildcard, for nothing', { source: [{ wildcard: '*aws.states*' }] }, true],
    ['wildcard, other text', { source: [{ wildcard: 'aws*state' }] }, false],
    ['wildcard, a dot is a dot', { source: [{ wildcard: 'aws.s.ates' }] }, false],
    ['wildcard, escaped', { source: [{ wildcard: 'aws\\*' }] }, false],
    ['exists', { detail: { status: [{ exists: true }] } }, true],
    ['exists, absent', { detail: { absent: [{ exists: true }] } }, false],
    ['exists, not a leaf', { detail: { nested: [{ exists: true }] } }, false],
    ['not exists', { detail: { absent: [{ exists: false }] } }, true],
    ['not exists, present', { detail: { status: [{ exists: false }] } }, false],
    ['anything-but', { detail: { status: [{ 'anything-but': 'SUCCEEDED' }] } }, true],
    ['anything-but, equal', { detail: { status: [{ 'anything-but': 'FAILED' }] } }, false],
    ['anything-but a list', { detail: { status: [{ 'anything-but': ['FAILED', 'ABORTED'] }] } }, false],
    ['anything-but, absent', { detail: { absent: [{ 'anything-but': 'x' }] } }, false],
    ['a literal or a matcher', { detail: { status: ['RUNNING', { prefix: 'FAIL' }] } }, true],
  ])('%s', (_, pattern, expected) => {
    expect(compileEventPattern(pattern)(event)).toBe(expected);
  });
});

describe('a pattern that it cannot match', () => {
  it.each<[string, unknown, string]>([
    ['an unknown matcher', { source: [{ cidr: '10.0.0.0/8' }] }, 'Unrecognized match type cidr'],
    ['two wildcards in a row', { source: [{ wildcard: 'a**' }] }, 'Consecutive wildcard characters'],
    ['an escape of nothing', { source: [{ wildcard: 'a\\b' }] }, 'Invalid escape character'],
    ['a wildcard that is no text', { source: [{ wildcard: 1 }] }, 'wildcard match pattern must be a string'],
    ['a nested matcher', { source: [{ 'anything-but': { prefix: 'a' } }] }, 'only literals'],
    ['$or', { $or: [{ source: ['a'] }] }, 'Unrecognized match type $or'],
    ['a bare literal', { source: 'a' }, '"source" must be an object or an array'],
    ['an empty array', { source: [] }, 'Empty arrays are not allowed'],
    ['an empty object', { detail: {} }, 'Empty objects are not allowed'],
    ['two matchers in one', { source: [{ prefix: 'a', suffix: 'b' }] }, 'Only one key allowed'],
    ['a prefix that is no text', { source: [{ prefix: 1 }] }, 'prefix match pattern must be a string'],
    ['exists with a text', { source: [{ exists: 'true' }] }, 'exists match pattern must be either true or false.'],
    ['no object', [], 'Filter is not an object'],
  ])('%s is refused', (_, pattern, reason) => {
    expect(() => compileEventPattern(pattern)).toThrow(reason);
  });
});
