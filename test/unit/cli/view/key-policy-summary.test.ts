import { describe, expect, it } from 'vitest';
import { summarizeKeyPolicies } from '../../../../cli/view/key-policy-summary.ts';

const role = (name: string) => `arn:aws:iam::111111111111:role/${name}`;
const root = {
  Sid: 'Enable',
  Effect: 'Allow',
  Principal: { AWS: 'arn:aws:iam::111111111111:root' },
  Action: 'kms:*',
  Resource: '*',
};
const use = (...roles: string[]) => ({
  Sid: 'Use',
  Effect: 'Allow',
  Principal: { AWS: roles },
  Action: ['kms:Decrypt', 'kms:Encrypt'],
  Resource: '*',
});
const policy = (...Statement: unknown[]) => ({ Version: '2012-10-17', Statement });
const lines = (before: unknown, after: unknown) =>
  summarizeKeyPolicies(before, after).map(({ kind, text }) => `${kind} ${text}`);

describe('summarizeKeyPolicies', () => {
  it.each([
    ['a statement that came', policy(root), policy(root, use(role('a'))), ['added statement "Use" (role a)']],
    ['a statement that went', policy(root, use(role('a'))), policy(root), ['removed statement "Use" (role a)']],
    [
      'roles that came and went',
      policy(use(role('a'), role('b'))),
      policy(use(role('path/c'), role('a'))),
      ['added statement "Use": role c', 'removed statement "Use": role b'],
    ],
    [
      'other elements of a statement',
      policy(use(role('a'))),
      policy({ ...use(role('a')), Action: 'kms:*' }),
      ['changed statement "Use"'],
    ],
    [
      'roles and other elements',
      policy(use(role('a'))),
      policy({ ...use(role('b')), Action: 'kms:*' }),
      ['added statement "Use": role b', 'removed statement "Use": role a', 'changed statement "Use"'],
    ],
    [
      'a statement without a Sid',
      policy(),
      policy({ Effect: 'Deny', Principal: '*' }),
      ['added statement without a Sid (Deny) (*)'],
    ],
    [
      'what is beside the statements',
      policy(root),
      { ...policy(root), Id: 'x' },
      ['changed elements beside the statements'],
    ],
    ['no difference but order', policy(root, use('b', 'a')), policy(use('a', 'b'), root), []],
    ['what is no policy', 'x', policy(root), ['added statement "Enable" (111111111111)']],
  ])('names %s', (_, before, after, expected) => {
    expect(lines(before, after)).toEqual(expected);
  });
});
