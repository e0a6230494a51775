import { describe, expect, it } from 'vitest';
import { documentOf, statementChanges } from '../../../../cli/aws/policy-backup.ts';

const owner = { Sid: 'Owner', Effect: 'Allow', Principal: { AWS: '111111111111' }, Action: 'kms:*', Resource: '*' };
const roles = (...AWS: string[]) => ({ Sid: 'Roles', Effect: 'Allow', Principal: { AWS }, Action: ['a', 'b'] });
const unnamed = (Action: string) => ({ Effect: 'Deny', Principal: '*', Action });
const policy = (...Statement: object[]) => ({ Version: '2012-10-17', Statement });

describe('statementChanges', () => {
  it.each<[string, object, object, object]>([
    ['a new statement', policy(owner), policy(owner, roles('x')), { added: 1, removed: 0, changed: 0 }],
    ['a statement that is gone', policy(owner, roles('x')), policy(owner), { added: 0, removed: 1, changed: 0 }],
    ['one more role', policy(roles('x')), policy(roles('x', 'y')), { added: 0, removed: 0, changed: 1 }],
    [
      'a statement without Sid as a new one',
      policy(unnamed('a')),
      policy(unnamed('b')),
      { added: 1, removed: 1, changed: 0 },
    ],
    [
      'an empty Sid as none',
      policy({ ...unnamed('a'), Sid: '' }, { ...unnamed('b'), Sid: '' }),
      policy({ ...unnamed('b'), Sid: '' }),
      { added: 0, removed: 1, changed: 0 },
    ],
    [
      'nothing in another order and form',
      policy(owner, roles('x', 'y')),
      policy(
        { ...roles('y', 'x'), Action: ['b', 'a'] },
        { ...owner, Principal: { AWS: ['arn:aws:iam::111111111111:root'] } },
      ),
      { added: 0, removed: 0, changed: 0 },
    ],
    ['a single statement', { Statement: owner }, policy(owner), { added: 0, removed: 0, changed: 0 }],
  ])('reports %s', (_, before, after, changes) => {
    expect(statementChanges(before, after)).toEqual(changes);
  });

  it('takes what is no policy for one without statements', () => {
    expect(statementChanges('nonsense', policy(owner))).toEqual({ added: 1, removed: 0, changed: 0 });
  });
});

describe('documentOf', () => {
  it('gives what the document says, or the document that says nothing', () => {
    expect(documentOf({ policy: '{"Version":"2012-10-17"}' })).toEqual({ Version: '2012-10-17' });
    expect(documentOf({ policy: 'nonsense' })).toBe('nonsense');
  });
});
