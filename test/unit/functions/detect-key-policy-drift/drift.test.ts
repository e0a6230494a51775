import { describe, expect, it } from 'vitest';
import { shortened } from '../../../../functions/detect-key-policy-drift/shortened.ts';
import { type Drift, driftOf, isDrift, isRepairable } from '../../../../lib/keys/drift/drift.ts';
import type { Grant } from '../../../../lib/keys/grants.ts';
import { type KeyAccess, parseKeyPolicy } from '../../../../lib/keys/key-policy.ts';
import type { KeyPolicy, Statement } from '../../../../lib/keys/policy-document.ts';
import { roleArn, roleOf } from '../../lib/keys/key-fixture.ts';
import { likeStatements, namingStatements, roleNamePrefix } from '../key-policies.ts';
import { keyPolicy, orphanedPolicy } from '../key-policy.ts';

const policyOf = (document: object): KeyPolicy => parseKeyPolicy(JSON.stringify(document));
const granting = (...names: string[]) => policyOf(keyPolicy(...names.map(roleArn)));
const withOurs = (statements: readonly Statement[]) => ({
  ...granting(),
  Statement: [...granting().Statement, ...statements],
});
const grant = (name: string, state: Grant['state'] = 'applied'): Grant => ({ ...roleOf(name), state, refused: false });

const noDrift: Drift = {
  missingRoles: [],
  unexpectedRoles: [],
  orphanedIds: [],
  lostStatements: [],
  reason: null,
};

const byArn: KeyAccess = { mode: 'role-arns' };
const byPattern: KeyAccess = { mode: 'role-pattern', roleNamePrefix };
const pattern = roleArn('*');
const account = '111111111111';

describe('the drift of a key policy whose roles stand by ARN', () => {
  it('is none when the applied roles are in it, whatever becomes of the others', () => {
    const grants = [grant('a'), grant('coming', 'pending'), grant('gone', 'orphaned')];
    expect(driftOf(granting('a'), grants, byArn)).toEqual(noDrift);
    expect(driftOf(granting('a', 'coming', 'gone'), grants, byArn)).toEqual(noDrift);
    expect(driftOf(granting(), [], byArn)).toEqual(noDrift);
  });

  it.each<[string, KeyPolicy]>([
    ['none of our statements', granting('b')],
    ['one of them alone', withOurs([...namingStatements(roleArn('b')), namingStatements(roleArn('a'))[0]])],
    ['a pattern, which is not how the deployment does it', withOurs(likeStatements(account, pattern))],
  ])('is a role that is missing when it is in %s', (_, policy) => {
    expect(driftOf(policy, [grant('a')], byArn).missingRoles).toEqual([roleArn('a')]);
  });

  it('is whom the registry does not know', () => {
    expect(driftOf(granting('a', 'intruder'), [grant('a')], byArn)).toEqual({
      ...noDrift,
      unexpectedRoles: [roleArn('intruder')],
    });
    const policy = withOurs([...namingStatements(roleArn('a')), ...likeStatements(account, pattern)]);
    expect(driftOf(policy, [grant('a')], byArn)).toEqual({ ...noDrift, unexpectedRoles: [pattern] });
  });

  it('is the id of a deleted role, once, beside the role that had it', () => {
    expect(driftOf(withOurs(namingStatements(['AROADELETED', roleArn('b')])), [grant('a'), grant('b')], byArn)).toEqual(
      {
        ...noDrift,
        missingRoles: [roleArn('a')],
        orphanedIds: ['AROADELETED'],
      },
    );
  });

  it("is the id of a deleted principal in an owner's statement, which keeps everybody from changing the policy", () => {
    expect(driftOf(policyOf(orphanedPolicy), [], byArn)).toEqual({
      ...noDrift,
      reason: {
        name: 'KeyPolicyOrphan',
        message: 'Statement "Analysts" of the key policy names AROADELETEDDELETEDDEL, a principal that was deleted',
      },
    });
  });
});

describe('the drift of a key policy whose roles stand by a pattern', () => {
  it('is none when the pattern is there', () => {
    const policy = withOurs(likeStatements(account, pattern));
    expect(driftOf(policy, [grant('a'), grant('b')], byPattern)).toEqual(noDrift);
  });

  it('is all roles when they stand by ARN, none of which is unexpected', () => {
    expect(driftOf(granting('a', 'b'), [grant('a'), grant('b')], byPattern)).toEqual({
      ...noDrift,
      missingRoles: [roleArn('a'), roleArn('b')],
    });
  });

  it('is a wider pattern beside it', () => {
    const wider = 'arn:aws:iam::111111111111:role/RoleFor*';
    const policy = withOurs(likeStatements(account, [pattern, wider]));
    expect(driftOf(policy, [grant('a')], byPattern)).toEqual({ ...noDrift, unexpectedRoles: [wider] });
  });
});

const reason = { name: 'KeyPolicyOrphan', message: 'Statement "Analysts" names AROA' };

it.each<[string, Partial<Drift>, { drift: boolean; repairable: boolean }]>([
  ['nothing', {}, { drift: false, repairable: false }],
  ['a missing role', { missingRoles: ['a'] }, { drift: true, repairable: true }],
  ['an unexpected role', { unexpectedRoles: ['a'] }, { drift: true, repairable: true }],
  ['an orphaned id', { orphanedIds: ['AROA'] }, { drift: true, repairable: true }],
  ['a lost statement', { lostStatements: ['Sid'] }, { drift: true, repairable: false }],
  ['what nobody can change', { missingRoles: ['a'], reason }, { drift: true, repairable: false }],
])('%s is drift, and can be repaired, or not', (_, difference, { drift, repairable }) => {
  expect(isDrift({ ...noDrift, ...difference })).toBe(drift);
  expect(isRepairable({ ...noDrift, ...difference })).toBe(repairable);
});

describe('what is published of a drift', () => {
  const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
  const names = (count: number, name: string) => Array.from({ length: count }, (_, index) => `${name}${index}`);

  it('is all of it when it is short', () => {
    const drift: Drift = { ...noDrift, missingRoles: names(200, roleArn('subscriber-')), reason };
    expect(shortened(drift)).toEqual({ ...drift, omitted: 0 });
  });

  it('is less than an event may have when it is long, with what was left out', () => {
    const drift: Drift = {
      missingRoles: names(5_000, roleArn('subscriber-')),
      unexpectedRoles: names(5_000, roleArn('subscriber-')),
      orphanedIds: names(5_000, 'AROADELETED'),
      lostStatements: ['"'.repeat(32_000), 'short'],
      reason: { name: 'KeyPolicyNotUnderstood', message: 'x'.repeat(40_000) },
    };
    const published = shortened(drift);
    expect(bytes(published)).toBeLessThan(200_000);
    expect(published.missingRoles.at(0)).toBe(`${roleArn('subscriber-')}0`);
    const { missingRoles, unexpectedRoles, orphanedIds, lostStatements } = published;
    const left = missingRoles.length + unexpectedRoles.length + orphanedIds.length + lostStatements.length;
    expect(published.omitted).toBe(15_002 - left);
    expect(missingRoles.length).toBeGreaterThan(100);
    expect(published.reason?.message.length).toBe(2_000);
  });
});
