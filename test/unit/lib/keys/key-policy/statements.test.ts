import { describe, expect, it } from 'vitest';
import {
  foreignPrincipals,
  foreignStatements,
  grantedRoles,
  grantees,
  isGranted,
  isSameElsewhere,
  type KeyAccess,
  ownStatements,
  requireWithdrawable,
  unneededPatterns,
} from '../../../../../lib/keys/key-policy.ts';
import { type KeyPolicy, orphans, type Statement } from '../../../../../lib/keys/policy-document.ts';
import { likeStatements, namingStatements, openStatements, roleNamePrefix } from '../../../functions/key-policies.ts';
import {
  account,
  acme,
  admin,
  attachByAcme,
  beta,
  byArns,
  byPattern,
  deletedRole,
  deletedUser,
  granted,
  granting,
  other,
  owners,
  pattern,
  patterned,
  policy,
  useByAcme,
  without,
} from './key-policy-fixture.ts';

describe('a role', () => {
  it.each<[name: string, policy: KeyPolicy, access: KeyAccess]>([
    ['by both statements', granted, byArns],
    ['among others', granting([beta, acme, deletedRole]), byArns],
    ['by several statements under a Sid', policy(...namingStatements(beta), useByAcme, attachByAcme), byArns],
    ['by its pattern', patterned, byPattern],
    ['by its ARN beside a pattern', policy(...likeStatements(account, [pattern, acme])), byArns],
  ])('is granted %s', (_name, having, access) => {
    expect(isGranted(having, acme, access)).toBe(true);
  });

  const otherAccounts = pattern.replace(account, '222222222222');
  it.each<[name: string, policy: KeyPolicy, access: KeyAccess]>([
    ['no statement', policy(admin), byArns],
    ['one statement', policy(admin, useByAcme), byArns],
    ['the other statement', policy(admin, attachByAcme), byArns],
    ['statements of which one is for another role', policy(useByAcme, namingStatements(beta)[1]), byArns],
    ['statements for another role', granting(beta), byArns],
    ['a pattern instead of its ARN', patterned, byArns],
    ['its ARN instead of a pattern', granted, byPattern],
    ['its ARN as a pattern', policy(...likeStatements(account, acme)), byArns],
    ['its pattern as a principal', granting(pattern), byPattern],
    ['a pattern that also lets in roles below other paths', policy(...openStatements(account, pattern)), byPattern],
    ['one statement of either mode', policy(useByAcme, likeStatements(account, pattern)[1]), byArns],
    ["another account's pattern", policy(...likeStatements('222222222222', otherAccounts)), byPattern],
    ['statements under other Sids', policy({ ...useByAcme, Sid: 'a' }, { ...attachByAcme, Sid: 'b' }), byArns],
    ['a statement that only has our Sid', policy({ ...useByAcme, Effect: 'Deny' }, attachByAcme), byArns],
  ])('is not granted by %s', (_name, having, access) => {
    expect(isGranted(having, acme, access)).toBe(false);
  });
});

it("a role whose name lacks the pattern's prefix is granted by its ARN in the pattern's place", () => {
  expect(isGranted(policy(...likeStatements(account, other)), other, byPattern)).toBe(true);
});

describe('the patterns that no role needs', () => {
  const inPath = pattern.replace('role/', 'role/vendor/');
  const both = policy(admin, ...likeStatements(account, [other, inPath, pattern]));
  it.each<[name: string, policy: KeyPolicy, roleArns: string[], access: KeyAccess, patterns: string[]]>([
    ['are all of them without roles', both, [], byPattern, [inPath, pattern]],
    ['are not those of the roles', both, [acme, beta], byPattern, [inPath]],
    ['are none when each has its role', both, [acme, inPath.replace('*', 'acme')], byPattern, []],
    ['are all of them where roles stand by their ARNs', both, [acme], byArns, [inPath, pattern]],
    ['are none where only roles and ids of deleted ones stand', granting([acme, deletedRole]), [beta], byArns, []],
    ['are those of version 0.1.0, too', policy(...openStatements(account, pattern)), [], byPattern, [pattern]],
  ])('%s', (_name, having, roleArns, access, patterns) => {
    expect(unneededPatterns(having, roleArns, access)).toEqual(patterns);
  });
});

describe('the roles that are granted', () => {
  it.each<[name: string, policy: KeyPolicy, roleArns: string[]]>([
    ['are those of either statement', policy(useByAcme, namingStatements(beta)[1]), [acme, beta]],
    ['are there once', granting([acme, beta]), [acme, beta]],
    ['are one that stands alone', granting(acme), [acme]],
    ['are not deleted ones', granting([deletedRole, acme]), [acme]],
    ['are not reported by a pattern', patterned, []],
    [
      'are those that stand beside a pattern by their ARNs',
      policy(...likeStatements(account, [other, pattern])),
      [other],
    ],
    ["are none of the guide's statements", policy({ ...useByAcme, Sid: 'Allow use of the key' }), []],
    ['are none of a statement that only has our Sid', policy({ ...useByAcme, Effect: 'Deny' }), []],
  ])('%s', (_name, having, roleArns) => {
    expect(grantedRoles(having)).toEqual(roleArns);
  });
});

describe('statements', () => {
  const having = policy(useByAcme, admin, attachByAcme, owners({}));

  it('are ours by Sid and content', () => {
    expect(ownStatements(having)).toEqual([useByAcme, attachByAcme]);
  });

  it('are foreign otherwise', () => {
    expect(foreignStatements(having)).toEqual([admin, owners({})]);
  });

  it('name principals, those that are not ours also as whom they spare', () => {
    const sparing = owners({ Principal: { AWS: [deletedUser], Service: 's3.amazonaws.com' } });
    const denying = without(owners({ Effect: 'Deny', NotPrincipal: { AWS: other } }), 'Principal');
    expect(foreignPrincipals(policy(useByAcme, sparing, attachByAcme, denying))).toEqual([deletedUser, other]);
    expect(grantees(granting([acme, deletedRole]))).toEqual([acme, deletedRole]);
    expect(grantees(patterned)).toEqual([pattern]);
  });

  it.each<[name: string, other: KeyPolicy, same: boolean]>([
    ['ours', policy(owners({}), admin), true],
    ['one that is not', policy(useByAcme, admin, attachByAcme), false],
    ['the version', { ...having, Version: '2008-10-17' }, false],
  ])('are the same elsewhere in a policy without %s: %#', (_name, elsewhere, same) => {
    expect(isSameElsewhere(having, elsewhere)).toBe(same);
  });
});

describe('orphans', () => {
  it('are found in every statement, with its Sid', () => {
    const nameless = without(owners({ Principal: { AWS: deletedUser } }), 'Sid');
    const denied = { ...without(owners({}), 'Principal'), NotPrincipal: { AWS: [account, deletedRole] } };
    expect(orphans(policy(...namingStatements([acme, deletedRole]), nameless, admin, denied))).toEqual([
      { sid: 'Allow use of the key by InfinStor', principalId: deletedRole },
      { sid: 'Allow attachment of persistent resources by InfinStor', principalId: deletedRole },
      { sid: '(without Sid)', principalId: deletedUser },
      { sid: 'Own', principalId: deletedRole },
    ]);
  });

  it.each<[name: string, statement: Statement]>([
    ['everybody', owners({ Principal: '*' })],
    ['an account', owners({ Principal: { AWS: account } })],
    ['a role', owners({ Principal: { AWS: `arn:aws:iam::${account}:role/${deletedRole}` } })],
    ['a service', owners({ Principal: { Service: deletedRole } })],
    ['nobody', without(owners({}), 'Principal')],
    [
      'other ids',
      owners({ Principal: { AWS: ['AGPAJQABLZS4A3QDU576Q', `x${deletedRole}`, 'AROA', `${deletedRole}:x`] } }),
    ],
    ['what a condition names', owners({ Condition: { StringLike: { 'aws:userId': deletedRole } } })],
  ])('are not %s', (_name, statement) => {
    expect(orphans(policy(statement))).toEqual([]);
  });
});

describe('a role that is to be deleted', () => {
  const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/1';
  const check = (statement: Statement) => () =>
    requireWithdrawable(keyArn, policy(admin, useByAcme, attachByAcme, statement), [beta, acme]);
  const session = `arn:aws:sts::${account}:assumed-role/${roleNamePrefix}ACME/someone`;
  const theirs: Statement = { Sid: 'Theirs', Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*' };

  it.each<[how: string, Statement]>([
    ['as its principal', { ...theirs, Principal: { AWS: [other, acme] } }],
    ['as one whom it is not about', { ...theirs, Effect: 'Deny', NotPrincipal: { AWS: acme } }],
    ['by a session', { ...theirs, Principal: { AWS: session } }],
  ])("must not be named by a statement that is not the onboarding's %s", (_, statement) => {
    expect(check(statement)).toThrow(
      expect.objectContaining({ name: 'RoleStillNamed', keyArn, sid: 'Theirs', roleArn: acme }),
    );
  });

  it.each([undefined, ''])('is reported with a statement whose Sid is %j', (Sid) => {
    const { Sid: _, ...nameless } = theirs;
    const statement = { ...nameless, ...(Sid !== undefined && { Sid }), Principal: { AWS: acme } };
    expect(check(statement)).toThrow('Statement "(without Sid)" of the policy of key');
  });

  it('must not meet the id of another that was deleted, as nobody could take it out', () => {
    expect(check({ ...theirs, Principal: { AWS: deletedRole } })).toThrow(
      expect.objectContaining({
        name: 'KeyPolicyOrphan',
        message: `Statement "Theirs" of the policy of key ${keyArn} names ${deletedRole}, a principal that was deleted`,
      }),
    );
  });

  it.each<[whom: string, Statement]>([
    ['others', { ...theirs, Principal: { AWS: other } }],
    ['everybody', { ...theirs, Principal: '*' }],
  ])('may be deleted when the other statements name %s', (_, statement) => {
    expect(check(statement)).not.toThrow();
  });
});
