import { describe, expect, it } from 'vitest';
import { diffKeyPolicies } from '../../../lib/key-policy-diff.ts';

const root = 'arn:aws:iam::111111111111:root';
const role = (name: string) => `arn:aws:iam::111111111111:role/${name}`;
const enable = {
  Sid: 'Enable IAM User Permissions',
  Effect: 'Allow',
  Principal: { AWS: root },
  Action: 'kms:*',
  Resource: '*',
};
const allow = (...roles: string[]) => ({
  Sid: 'Allow use',
  Effect: 'Allow',
  Principal: { AWS: roles },
  Action: ['kms:Decrypt', 'kms:Encrypt'],
  Resource: '*',
});
const policy = (...Statement: unknown[]) => ({ Version: '2012-10-17', Id: 'key-consolepolicy-3', Statement });
const changes = (before: unknown, after: unknown) =>
  diffKeyPolicies(before, after)
    .filter(({ kind }) => kind === 'added' || kind === 'removed')
    .map(({ kind, text }) => `${kind} ${text.trim()}`);

describe('diffKeyPolicies', () => {
  it.each([
    ['the order of statements', policy(enable, allow('a')), policy(allow('a'), enable)],
    ['the order of principals', policy(allow('a', 'b')), policy(allow('b', 'a'))],
    ['the order of members', policy(enable), { Statement: [enable], Id: 'key-consolepolicy-3', Version: '2012-10-17' }],
    ['a set of one', policy(enable), policy({ ...enable, Action: ['kms:*'], Principal: { AWS: [root] } })],
    ['an account id for its root', policy(enable), policy({ ...enable, Principal: { AWS: '111111111111' } })],
    ['a single statement', policy(enable), { ...policy(), Statement: enable }],
  ])('is empty when only %s differs', (_, before, after) => {
    expect(diffKeyPolicies(before, after)).toEqual([]);
  });

  it('shows one more principal as one more line, wherever it stands', () => {
    expect(changes(policy(allow(role('a'))), policy(allow(role('a'), role('b'))))).toEqual([`added "${role('b')}"`]);
  });

  it('shows a value that is replaced as removed and added', () => {
    expect(changes(policy(enable), policy({ ...enable, Effect: 'Deny' }))).toEqual([
      'removed "Effect": "Allow",',
      'added "Effect": "Deny",',
    ]);
  });

  it('distinguishes conditions', () => {
    const grantsOnly = { ...enable, Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } } };
    expect(
      changes(policy(grantsOnly), policy({ ...enable, Condition: { Bool: { 'kms:GrantIsForAWSResource': 'false' } } })),
    ).toEqual(['removed "kms:GrantIsForAWSResource": "true"', 'added "kms:GrantIsForAWSResource": "false"']);
  });

  it('adds a statement without touching the others', () => {
    expect(
      changes(policy(enable), policy(enable, allow('a'))).filter((change) => change.startsWith('removed')),
    ).toEqual([]);
  });

  it('shows an added statement from its opening bracket to its closing one', () => {
    const added = diffKeyPolicies(policy(enable), policy(enable, { ...allow('a'), Sid: 'A' }))
      .filter(({ kind }) => kind === 'added')
      .map(({ text }) => text);
    expect([added.at(0), added.at(-1)]).toEqual(['    {', '    },']);
  });

  it('keeps three lines around a change and marks what it leaves out in between', () => {
    const principals = Array.from({ length: 20 }, (_, index) => role(String(index).padStart(2, '0')));
    const after = principals.toSpliced(10, 0, role('09x')).toSpliced(0, 1);
    expect(diffKeyPolicies(policy(allow(...principals)), policy(allow(...after))).map(({ kind }) => kind)).toEqual([
      'same',
      'same',
      'same',
      'removed',
      'same',
      'same',
      'same',
      'gap',
      'same',
      'same',
      'same',
      'added',
      'same',
      'same',
      'same',
    ]);
  });
});
