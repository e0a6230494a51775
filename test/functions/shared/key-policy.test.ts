import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical } from '../../../functions/shared/canonical-policy.ts';
import { KeyPolicyFull } from '../../../functions/shared/errors.ts';
import {
  foreignPrincipals,
  foreignStatements,
  grantedRoles,
  grantees,
  isGranted,
  isSameElsewhere,
  type KeyAccess,
  type KeyPolicy,
  orphans,
  ownStatements,
  parseKeyPolicy,
  requireWithdrawable,
  type Statement,
  serializeKeyPolicy,
  size,
  withGrants,
} from '../../../functions/shared/key-policy.ts';
import {
  accesses,
  arnsOf,
  hasOurSid,
  isAdminStatement,
  largePolicies,
  likeStatements,
  namingStatements,
  policies,
  type Role,
  role,
  roleNamePrefix,
  roles,
  toldByKms,
} from '../key-policies.ts';

const byArns: KeyAccess = { mode: 'role-arns' };
const byPattern: KeyAccess = { mode: 'role-pattern', roleNamePrefix };
const account = '111111111111';
const roleArn = (name: string) => `arn:aws:iam::${account}:role/${roleNamePrefix}${name}`;
const acme = roleArn('acme');
const beta = roleArn('beta');
const pattern = roleArn('*');
/** Of another deployment, whose roles are named otherwise. */
const other = `arn:aws:iam::${account}:role/Other`;
const deletedRole = 'AROAJQABLZS4A3QDU576Q';
const deletedUser = 'AIDAJQABLZS4A3QDU576Q';

const admin: Statement = {
  Sid: 'Enable IAM User Permissions',
  Effect: 'Allow',
  Principal: { AWS: `arn:aws:iam::${account}:root` },
  Action: 'kms:*',
  Resource: '*',
};
const policy = (...Statement: Statement[]): KeyPolicy => ({
  Version: '2012-10-17',
  Id: 'key-consolepolicy-3',
  Statement,
});
const [useByAcme, attachByAcme] = namingStatements([acme]);
const granted = policy(admin, useByAcme, attachByAcme);
const granting = (AWS: string | string[]) => policy(admin, ...namingStatements(AWS));
const patterned = policy(admin, ...likeStatements([account], [pattern]));
/** A statement of the owner's with something that is to be kept. */
const owners = (part: Partial<Statement>): Statement => ({
  Sid: 'Own',
  Effect: 'Allow',
  Principal: '*',
  Action: 'kms:Decrypt',
  Resource: '*',
  ...part,
});
function without<Name extends keyof Statement>(statement: Statement, name: Name): Omit<Statement, Name> {
  const { [name]: _left, ...rest } = statement;
  return rest;
}

const notUnderstood = (message: string) => expect.objectContaining({ name: 'KeyPolicyNotUnderstood', message });

describe('a key policy document', () => {
  it.each<[name: string, document: object]>([
    ['without Version and Id', { Statement: [admin] }],
    ['of the first version', { Version: '2008-10-17', Id: 'key-default-1', Statement: [admin] }],
    ['with a number as its Id', { Version: '2012-10-17', Id: 7, Statement: [admin] }],
    ['without statements', { Statement: [] }],
    ['with a principal in an array', policy(admin, owners({ Principal: { AWS: [acme] } }))],
    ["with an account's id as principal", policy(admin, owners({ Principal: { AWS: ['222222222222', account] } }))],
    ['with everybody as principal', policy(admin, owners({ Principal: '*' }))],
    ['with everybody of AWS as principal', policy(admin, owners({ Principal: { AWS: '*' } }))],
    ['with a service as principal', policy(admin, owners({ Principal: { Service: 'logs.amazonaws.com' } }))],
    [
      'with principals of every kind',
      policy(admin, owners({ Principal: { AWS: account, Service: ['a', 'b'], Federated: 'c', CanonicalUser: 'd' } })),
    ],
    ['with a principal of no kind', policy(admin, owners({ Principal: {} }))],
    [
      'with NotPrincipal',
      policy(admin, { ...without(owners({}), 'Principal'), Effect: 'Deny', NotPrincipal: { AWS: [acme] } }),
    ],
    ['with NotPrincipal for everybody', policy(admin, { ...without(owners({}), 'Principal'), NotPrincipal: '*' })],
    ['without a principal', policy(admin, without(owners({}), 'Principal'))],
    ['with NotAction', policy(admin, { ...without(owners({}), 'Action'), NotAction: ['kms:Sign'] })],
    ['with NotResource', policy(admin, { Sid: 'Own', Effect: 'Deny', NotResource: ['arn:aws:kms:*:*:key/a'] })],
    ['with empty arrays', policy(admin, owners({ Principal: { AWS: [] }, Action: [], Resource: [] }))],
    ['with an empty condition', policy(admin, owners({ Condition: {} }))],
    [
      'with operands of every type',
      policy(
        admin,
        owners({ Condition: { Null: { a: true, b: ['c', 7, false] }, 'ForAnyValue:StringLike': { d: 0.5, e: [] } } }),
      ),
    ],
    ['with a Sid of any characters', policy(admin, owners({ Sid: 'é "\\\n中𝒳\ud800 {"a": 1.0}' }))],
    [
      'with statements without a Sid',
      policy(admin, without(owners({}), 'Sid'), without(owners({ Effect: 'Deny' }), 'Sid')),
    ],
    ['with empty Sids', policy(owners({ ...admin, Sid: '' }), owners({ Sid: '' }), owners({ Sid: '' }))],
    ['with one statement twice', policy(admin, without(owners({}), 'Sid'), without(owners({}), 'Sid'))],
    [
      "with the setup guide's statements added by hand",
      policy(
        admin,
        { ...useByAcme, Sid: 'Allow use of the key' },
        { ...attachByAcme, Sid: 'Allow attachment of persistent resources' },
      ),
    ],
    ['with statements of ours', granted],
    ['with statements of ours alone', policy(useByAcme, attachByAcme)],
    ['with statements of ours for a pattern', patterned],
    ['with two statements of ours under one Sid', policy(admin, useByAcme, ...namingStatements(beta))],
  ])('%s is kept as it is', (_name, document) => {
    expect(JSON.parse(serializeKeyPolicy(parseKeyPolicy(JSON.stringify(document, null, 2))))).toEqual(document);
  });

  it('may have a single statement as an object', () => {
    expect(parseKeyPolicy(JSON.stringify({ Statement: admin }))).toEqual({ Statement: [admin] });
  });

  it('may write characters as it likes', () => {
    expect(parseKeyPolicy('{"Id"\t:\r\n"\\u00e9\\/\\"", "Statement" : [ ] }')).toEqual({ Id: 'é/"', Statement: [] });
  });

  it('is written without white space', () => {
    expect(serializeKeyPolicy(parseKeyPolicy('{ "Statement": [ ],\n "Id": "a b" }'))).toBe(
      '{"Id":"a b","Statement":[]}',
    );
  });

  it('is written in the characters that KMS takes', () => {
    const document = serializeKeyPolicy(policy(owners({ Sid: '~\u007fÿ\u0100中𝒳\uffff' })));
    expect(document).toContain('"Sid":"~\u007fÿ\\u0100\\u4e2d\\ud835\\udcb3\\uffff"');
  });

  const unlikePrincipals = 'must be "*" or an object of AWS, Service, Federated and CanonicalUser';
  const unlikeTexts = 'must be a string or an array of strings';
  const unlikeOperands = 'must be a value or an array of values';
  const twiceOrNumber = 'has a member twice, or a number in a form that would not be kept, like 1.0';
  const arrayOrName = 'has an array in place of an object, or a member named constructor, prototype or __proto__';
  const statement = (part: object) => JSON.stringify({ Statement: [{ ...admin, ...part }] });

  it.each<[document: string, element: string, rule: string]>([
    ['', '(root)', 'must be JSON'],
    ['{"Statement":[]', '(root)', 'must be JSON'],
    ['null', '(root)', 'must be Object'],
    ['"policy"', '(root)', 'must be Object'],
    ['{}', 'Statement', 'is required'],
    ['[]', 'Statement', 'is required'],
    ['{"Statement":"all"}', 'Statement.0', 'must be Object'],
    ['{"Statement":null}', 'Statement.0', 'must be Object'],
    ['{"Statement":[[]]}', 'Statement.0.Effect', 'is required'],
    ['{"Statement":[],"statement":[]}', 'statement', 'is not a known field'],
    ['{"Statement":[],"Version":"2012"}', 'Version', 'must be 2008-10-17 or 2012-10-17'],
    ['{"Statement":[],"Version":null}', 'Version', 'must be 2008-10-17 or 2012-10-17'],
    ['{"Statement":[],"Id":null}', 'Id', 'must be a string or a number'],
    ['{"Statement":[],"Id":true}', 'Id', 'must be a string or a number'],
    [statement({ Sid: 7 }), 'Statement.0.Sid', 'must be string'],
    [statement({ Sid: null }), 'Statement.0.Sid', 'must be string'],
    [statement({ Effect: undefined }), 'Statement.0.Effect', 'is required'],
    [statement({ Effect: 'allow' }), 'Statement.0.Effect', 'must be Allow or Deny'],
    [statement({ Principal: acme }), 'Statement.0.Principal', unlikePrincipals],
    [statement({ Principal: ['*'] }), 'Statement.0.Principal', unlikePrincipals],
    [statement({ Principal: { '*': '*' } }), 'Statement.0.Principal', unlikePrincipals],
    [statement({ Principal: { AWS: 111111111111 } }), 'Statement.0.Principal', unlikePrincipals],
    [statement({ Principal: { Service: [7] } }), 'Statement.0.Principal', unlikePrincipals],
    [statement({ Principal: { Federated: null } }), 'Statement.0.Principal', unlikePrincipals],
    [statement({ Principal: { CanonicalUser: {} } }), 'Statement.0.Principal', unlikePrincipals],
    [statement({ NotPrincipal: null }), 'Statement.0.NotPrincipal', unlikePrincipals],
    [statement({ Action: 7 }), 'Statement.0.Action', unlikeTexts],
    [statement({ Action: [7] }), 'Statement.0.Action', unlikeTexts],
    [statement({ NotAction: {} }), 'Statement.0.NotAction', unlikeTexts],
    [statement({ Resource: null }), 'Statement.0.Resource', unlikeTexts],
    [statement({ NotResource: true }), 'Statement.0.NotResource', unlikeTexts],
    [statement({ Condition: 'none' }), 'Statement.0.Condition', 'must be Object'],
    [statement({ Condition: { Bool: 'true' } }), 'Statement.0.Condition.Bool', 'must be Object'],
    [statement({ Condition: { Bool: { a: null } } }), 'Statement.0.Condition.Bool.a', unlikeOperands],
    [statement({ Condition: { Bool: { a: {} } } }), 'Statement.0.Condition.Bool.a', unlikeOperands],
    [statement({ Condition: { Bool: { a: [[]] } } }), 'Statement.0.Condition.Bool.a', unlikeOperands],
    [statement({ Conditions: {} }), 'Statement.0.Conditions', 'is not a known field'],
    ['{"Statement":[{"Effect":"Deny","__proto__":{}}]}', 'Statement.0.__proto__', 'is not a known field'],
    ['{"Statement":[],"Id":1,"Id":2}', '(root)', twiceOrNumber],
    ['{"Statement":[],"Id":1,"Id":1}', '(root)', twiceOrNumber],
    ['{"Statement":[],"Id":1,"\\u0049d":1}', '(root)', twiceOrNumber],
    ['{"Statement":[],"Id":12345678901234567890}', '(root)', twiceOrNumber],
    ['{"Statement":[],"Id":0.12345678901234567890}', '(root)', twiceOrNumber],
    ['{"Statement":[],"Id":1e400}', '(root)', twiceOrNumber],
    ['{"Statement":[],"Id":1.0}', '(root)', twiceOrNumber],
    ['{"Statement":[],"Id":-0}', '(root)', twiceOrNumber],
    [statement({ Principal: [] }), '(root)', arrayOrName],
    [statement({ Condition: [] }), '(root)', arrayOrName],
    [statement({ Condition: { Bool: ['true'] } }), '(root)', arrayOrName],
    [statement({ Condition: { constructor: {} } }), '(root)', arrayOrName],
    [statement({ Condition: { Bool: { prototype: 'true' } } }), '(root)', arrayOrName],
    ['{"Statement":{"Effect":"Deny","Condition":{"__proto__":{"a":"b"}}}}', '(root)', arrayOrName],
  ])('%s is refused', (document, element, rule) => {
    expect(() => parseKeyPolicy(document)).toThrow(notUnderstood(`Element ${element} of the key policy ${rule}`));
  });

  it.each([
    ['by the owner', policy(admin, owners({}), owners({ Effect: 'Deny' }))],
    ['by two equal statements', policy(admin, owners({}), owners({}))],
  ])('with a Sid used twice %s is refused', (_name, document) => {
    expect(() => parseKeyPolicy(JSON.stringify(document))).toThrow(
      notUnderstood('Several statements of the key policy have the Sid "Own"'),
    );
  });

  const [useByPattern] = likeStatements(account, pattern);
  const isMember = 'Condition.ArnLike.aws:PrincipalArn';
  const isAccount = 'Condition.StringEquals.aws:PrincipalAccount';
  it.each<[name: string, statement: Statement, difference: string]>([
    ['another effect', { ...useByAcme, Effect: 'Deny' }, 'Effect has "Deny" in place of "Allow"'],
    [
      'an action more',
      { ...useByAcme, Action: [useByAcme.Action ?? [], 'kms:Sign'].flat() },
      'Action should not have "kms:Sign"',
    ],
    [
      'an action less',
      { ...attachByAcme, Action: ['kms:CreateGrant', 'kms:ListGrants'] },
      'Action lacks "kms:RevokeGrant"',
    ],
    [
      'the actions of the other one',
      { ...useByAcme, Action: ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'] },
      'Action has "kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant" in place of "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*" and 2 more',
    ],
    [
      'another resource',
      { ...useByAcme, Resource: 'arn:aws:kms:*:*:key/a' },
      'Resource has "arn:aws:kms:*:*:key/a" in place of "*"',
    ],
    [
      'a condition',
      { ...useByAcme, Condition: { Bool: { 'aws:SecureTransport': 'true' } } },
      'Condition.Bool.aws:SecureTransport should not be there',
    ],
    ['no condition', without(attachByAcme, 'Condition'), 'Condition.Bool.kms:GrantIsForAWSResource is missing'],
    [
      'another condition',
      { ...attachByAcme, Condition: { Bool: { 'kms:GrantIsForAWSResource': 'false' } } },
      'Condition.Bool.kms:GrantIsForAWSResource has "false" in place of "true"',
    ],
    ['no principal', without(useByAcme, 'Principal'), 'Principal.AWS is missing'],
    ['NotPrincipal as well', { ...useByAcme, NotPrincipal: { AWS: beta } }, 'NotPrincipal.AWS should not be there'],
    [
      'an account as principal',
      { ...useByAcme, Principal: { AWS: [acme, account] } },
      `Principal.AWS should not have "${account}"`,
    ],
    [
      'a user as principal',
      { ...useByAcme, Principal: { AWS: `arn:aws:iam::${account}:user/Alice` } },
      `Principal.AWS should not have "arn:aws:iam::${account}:user/Alice"`,
    ],
    [
      'a session as principal',
      { ...useByAcme, Principal: { AWS: `arn:aws:sts::${account}:assumed-role/acme/x` } },
      `Principal.AWS should not have "arn:aws:sts::${account}:assumed-role/acme/x"`,
    ],
    ['everybody as principal', { ...useByAcme, Principal: '*' }, 'Principal.AWS should not have "*"'],
    [
      'a service as principal',
      { ...useByAcme, Principal: { Service: 'logs.amazonaws.com' } },
      'Principal.AWS is missing; Principal.Service should not be there',
    ],
    [
      'a service beside its principals',
      { ...useByAcme, Principal: { AWS: acme, Service: 'logs.amazonaws.com' } },
      'Principal.Service should not be there',
    ],
    ...[
      `arn:aws:iam::${account}:role/*`,
      '*',
      `arn:aws:iam::${account}:user/RoleForInfinStor*`,
      `arn:aws:iam::${account}:role/Role*InfinStor`,
    ].map((arn): [string, Statement, string] => [
      `the pattern ${arn}`,
      likeStatements(account, arn)[0],
      `${isAccount} should not have "${account}"; ${isMember} should not have "${arn}"`,
    ]),
    [
      'another account',
      likeStatements('222222222222', pattern)[0],
      `${isAccount} has "222222222222" in place of "${account}"`,
    ],
    [
      'a pattern and no account',
      { ...useByPattern, Condition: { ArnLike: { 'aws:PrincipalArn': pattern } } },
      `${isAccount} is missing`,
    ],
    [
      'an account and no pattern',
      { ...useByPattern, Condition: { StringEquals: { 'aws:PrincipalAccount': account } } },
      `Principal.AWS should not have "*"; ${isAccount} should not be there`,
    ],
    [
      'a pattern and lacks its condition',
      {
        ...useByPattern,
        Sid: 'Allow attachment of persistent resources by InfinStor',
        Action: attachByAcme.Action ?? [],
      },
      'Condition.Bool.kms:GrantIsForAWSResource is missing',
    ],
    [
      'a pattern and a role as principal',
      { ...useByPattern, Principal: { AWS: acme } },
      `${isAccount} should not be there; ${isMember} should not be there`,
    ],
    [
      'a pattern and a role beside everybody',
      { ...useByPattern, Principal: { AWS: ['*', acme] } },
      `Principal.AWS should not have "${acme}"`,
    ],
    [
      'a deleted role and a user as principals',
      { ...useByAcme, Principal: { AWS: [deletedRole, `arn:aws:iam::${account}:user/Alice`] } },
      `Principal.AWS should not have "arn:aws:iam::${account}:user/Alice"`,
    ],
  ])('with a statement under a Sid of ours that has %s is refused, and told what', (_name, statement, difference) => {
    expect(() => parseKeyPolicy(JSON.stringify(policy(admin, statement)))).toThrow(
      notUnderstood(
        `Statement "${statement.Sid}" of the key policy has a Sid of the onboarding, but is not as the onboarding writes it: ${difference}`,
      ),
    );
  });

  it('is refused for a Sid of ours also beside our statements', () => {
    const document = policy({ ...useByAcme, Principal: '*' }, useByAcme, attachByAcme);
    expect(() => parseKeyPolicy(JSON.stringify(document))).toThrow(
      expect.objectContaining({
        name: 'KeyPolicyNotUnderstood',
        message: expect.stringMatching(/^Statement "Allow use/),
      }),
    );
  });
});

describe('grants', () => {
  it("are the setup guide's two statements under Sids of ours, behind what is there", () => {
    expect(withGrants(policy(admin), [acme], byArns)).toEqual(granted);
  });

  it('by pattern are the same statements for everybody who is such a role of the account', () => {
    expect(withGrants(policy(admin), [acme], byPattern)).toEqual(patterned);
  });

  it('name the roles in order, each once', () => {
    expect(withGrants(policy(admin), [beta, acme, beta], byArns)).toEqual(granting([acme, beta]));
  });

  it('by pattern do not grow with more roles', () => {
    expect(withGrants(patterned, [acme, beta, roleArn('gamma')], byPattern)).toBe(patterned);
  });

  it.each<[name: string, roleArns: string[], accounts: string[], patterns: string[]]>([
    ['is under its path', [acme.replace('role/', 'role/a/~/')], [account], [pattern.replace('role/', 'role/a/~/')]],
    ["has the prefix in the role's own spelling", [acme.toLowerCase()], [account], [pattern.toLowerCase()]],
    ["is the role's ARN if its name has not the prefix", [other], [account], [other]],
    ["is the role's ARN if its name is shorter than the prefix", [acme.slice(0, 40)], [account], [acme.slice(0, 40)]],
    ['is for the prefix alone, too', [roleArn('')], [account], [pattern]],
    [
      'is one for each account and partition',
      [acme.replace('aws', 'aws-cn'), beta, acme.replace(account, '222222222222'), acme],
      [account, '222222222222'],
      [pattern.replace('aws', 'aws-cn'), pattern, pattern.replace(account, '222222222222')].sort(),
    ],
  ])('by pattern: the pattern %s', (_name, roleArns, accounts, patterns) => {
    const edited = withGrants(policy(admin), roleArns, byPattern);
    expect(canonical(edited)).toBe(canonical(policy(admin, ...likeStatements(accounts, patterns))));
    expect(parseKeyPolicy(serializeKeyPolicy(edited))).toEqual(edited);
  });

  it.each([
    ['role-arns', byArns, granting([acme, beta])],
    ['role-pattern', byPattern, patterned],
  ])('go with the last role in the mode %s', (_mode, access, before) => {
    expect(withGrants(before, [], access)).toEqual(policy(admin));
  });

  it('go from a policy of ours alone', () => {
    expect(withGrants(policy(useByAcme, attachByAcme), [], byArns)).toEqual(policy());
  });

  it.each<[name: string, from: KeyPolicy, access: KeyAccess, to: KeyPolicy]>([
    ['pattern', granting([acme, beta]), byPattern, patterned],
    ['ARNs', patterned, byArns, granting([acme, beta])],
  ])('change over to the %s of the roles', (_name, from, access, to) => {
    expect(withGrants(from, [acme, beta], access)).toEqual(to);
  });

  it.each<[name: string, before: KeyPolicy]>([
    ['that lacks one of the two', policy(admin, useByAcme)],
    ['whose two name different roles', policy(admin, useByAcme, namingStatements([beta])[1])],
    ['with two statements of ours under one Sid', policy(admin, ...namingStatements(beta), useByAcme)],
    ['with one statement of ours twice', policy(admin, useByAcme, useByAcme, attachByAcme)],
    ['with a statement of either mode', policy(useByAcme, ...likeStatements(account, pattern), admin)],
    ['with an id that a deleted role left', granting([acme, deletedRole])],
    ['with the id of a deleted role alone', granting(deletedRole)],
    ['with statements of ours for nobody', granting([])],
  ])('mend a policy %s', (_name, before) => {
    const after = withGrants(parseKeyPolicy(JSON.stringify(before)), [acme], byArns);
    expect(after).toEqual(granted);
  });

  it.each<[name: string, told: KeyPolicy, access: KeyAccess]>([
    ['ARNs', policy(...namingStatements([beta, acme]).reverse(), admin), byArns],
    [
      'a pattern',
      policy(
        ...likeStatements(account, pattern).map((statement) => ({ ...statement, Principal: { AWS: '*' } })),
        admin,
      ),
      byPattern,
    ],
  ])('leave the policy itself when KMS only tells the statements for %s otherwise', (_name, told, access) => {
    expect(withGrants(told, [acme, beta], access)).toBe(told);
  });

  it('leave statements of the same meaning to whoever made them', () => {
    const byHand = { ...namingStatements(beta)[0], Sid: 'Allow use of the key' };
    const nameless = without(attachByAcme, 'Sid');
    expect(withGrants(policy(byHand, nameless), [acme], byArns)).toEqual(
      policy(byHand, nameless, useByAcme, attachByAcme),
    );
  });

  it.each([
    '*',
    account,
    `arn:aws:iam::${account}:root`,
    `arn:aws:iam::${account}:user/Alice`,
    pattern,
    `${acme}\n`,
    `x${acme}`,
    '',
  ])('are for roles only, not for %j', (principal) => {
    for (const access of [byArns, byPattern]) {
      expect(() => withGrants(policy(admin), [acme, principal], access)).toThrow(
        new TypeError(`${principal} is not the ARN of a role`),
      );
    }
  });

  it.each<[name: string, statement: Statement]>([
    ['as its principal', owners({ Principal: { AWS: deletedRole } })],
    ['among its principals', owners({ Principal: { AWS: [acme, deletedRole] } })],
    ['as the one it is not for', { ...without(owners({}), 'Principal'), NotPrincipal: { AWS: [deletedRole] } }],
  ])('are refused beside a statement of the owner with a deleted role %s', (_name, statement) => {
    const before = policy(admin, statement, useByAcme, attachByAcme);
    for (const roleArns of [[acme], [acme, beta], []]) {
      expect(() => withGrants(before, roleArns, byArns)).toThrow(
        expect.objectContaining({
          name: 'KeyPolicyOrphan',
          message: `Statement "Own" of the key policy names ${deletedRole}, a principal that was deleted`,
        }),
      );
    }
  });

  it.each([
    ['no', without(owners({ Principal: { AWS: deletedUser } }), 'Sid')],
    ['an empty', owners({ Sid: '', Principal: { AWS: deletedUser } })],
  ])('are refused beside a deleted user in a statement with %s Sid', (_name, statement) => {
    expect(() => withGrants(policy(statement), [acme], byArns)).toThrow(
      `Statement "(without Sid)" of the key policy names ${deletedUser}, a principal that was deleted`,
    );
  });
});

describe("KMS's limit of 32,768 bytes", () => {
  const filled = (text: string) => policy(owners({ Sid: text }));
  const granted = JSON.stringify(policy(...filled('').Statement, ...namingStatements([acme, beta])));
  const room = 32_768 - granted.length;
  const full = (bytes: number) =>
    expect.objectContaining({
      name: 'KeyPolicyFull',
      message: `The key policy would have ${bytes} bytes with 2 roles; KMS allows 32768`,
      roles: 2,
      bytes,
    });
  const grant = (before: KeyPolicy) => withGrants(before, [acme, beta, acme], byArns);

  it('may be reached', () => {
    expect(size(grant(filled('x'.repeat(room))))).toBe(32_768);
  });

  it('may not be passed by one byte', () => {
    expect(() => grant(filled('x'.repeat(room + 1)))).toThrow(full(32_769));
  });

  it.each([
    ['two bytes', 'é', 2],
    ['six, escaped', '中', 6],
  ])('is one of bytes: a character of %s', (_name, character, bytes) => {
    const rest = 'x'.repeat(room - bytes);
    expect(size(grant(filled(`${rest}${character}`)))).toBe(32_768);
    expect(() => grant(filled(`${rest}x${character}`))).toThrow(full(32_769));
  });

  it('keeps no role out that is there', () => {
    const reached = grant(filled('x'.repeat(room)));
    expect(grant(reached)).toBe(reached);
  });

  it('is passed by 500 roles, but not by their pattern', () => {
    const many = Array.from({ length: 500 }, (_value, index) => roleArn(`${index}`));
    expect(() => withGrants(policy(admin), many, byArns)).toThrow(KeyPolicyFull);
    expect(withGrants(policy(admin), many, byPattern)).toEqual(patterned);
  });
});

describe('a role', () => {
  it.each<[name: string, policy: KeyPolicy, access: KeyAccess]>([
    ['by both statements', granted, byArns],
    ['among others', granting([beta, acme, deletedRole]), byArns],
    ['by several statements under a Sid', policy(...namingStatements(beta), useByAcme, attachByAcme), byArns],
    ['by its pattern', patterned, byPattern],
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
    ['one statement of either mode', policy(useByAcme, likeStatements(account, pattern)[1]), byArns],
    ["another account's pattern", policy(...likeStatements('222222222222', otherAccounts)), byPattern],
    ['statements under other Sids', policy({ ...useByAcme, Sid: 'a' }, { ...attachByAcme, Sid: 'b' }), byArns],
    ['a statement that only has our Sid', policy({ ...useByAcme, Effect: 'Deny' }, attachByAcme), byArns],
  ])('is not granted by %s', (_name, having, access) => {
    expect(isGranted(having, acme, access)).toBe(false);
  });
});

describe('the roles that are granted', () => {
  it.each<[name: string, policy: KeyPolicy, roleArns: string[]]>([
    ['are those of either statement', policy(useByAcme, namingStatements(beta)[1]), [acme, beta]],
    ['are there once', granting([acme, beta]), [acme, beta]],
    ['are one that stands alone', granting(acme), [acme]],
    ['are not deleted ones', granting([deletedRole, acme]), [acme]],
    ['are not told by a pattern', patterned, []],
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

describe('for any policy and roles', () => {
  const withAccess = [policies, roles, accesses] as const;

  it('what is set is set already, in whichever order', () => {
    fc.assert(
      fc.property(...withAccess, fc.nat({ max: 6 }), (before, some, access, turn) => {
        const once = withGrants(before, arnsOf(some), access);
        const turned = arnsOf([...some.slice(turn), ...some.slice(0, turn), ...some.slice(0, 1)]);
        expect(withGrants(once, turned, access)).toBe(once);
        expect(withGrants(before, turned, access)).toEqual(once);
      }),
    );
  });

  it('it does not matter what was set before, in either mode', () => {
    fc.assert(
      fc.property(...withAccess, roles, accesses, (before, some, access, earlier, former) => {
        const direct = withGrants(before, arnsOf(some), access);
        const changed = withGrants(withGrants(before, arnsOf(earlier), former), arnsOf(some), access);
        expect(canonical(changed)).toBe(canonical(direct));
      }),
    );
  });

  it('a role that is added and removed leaves the meaning as it was', () => {
    fc.assert(
      fc.property(...withAccess, role, (before, some, access, added) => {
        const set = withGrants(before, arnsOf(some), access);
        const more = withGrants(set, arnsOf([...some, added]), access);
        expect(canonical(withGrants(more, arnsOf(some), access))).toBe(canonical(set));
      }),
    );
  });

  it("everything that is not ours stays as it is, the administrators' statement with it", () => {
    fc.assert(
      fc.property(...withAccess, (before, some, access) => {
        const copy = structuredClone(before);
        const after = withGrants(before, arnsOf(some), access);
        expect(before).toEqual(copy);
        expect({ ...after, Statement: after.Statement.filter((statement) => !hasOurSid(statement)) }).toEqual({
          ...before,
          Statement: before.Statement.filter((statement) => !hasOurSid(statement)),
        });
        expect(after.Statement.some(isAdminStatement)).toBe(true);
      }),
    );
  });

  it('the result is read back as it was written, ours as ours, without a Sid used twice or a deleted role', () => {
    fc.assert(
      fc.property(...withAccess, fc.boolean(), (before, some, access, areSame) => {
        const wanted = areSame ? grantedRoles(before) : arnsOf(some);
        const after = withGrants(before, wanted, access);
        const read = parseKeyPolicy(serializeKeyPolicy(after));
        expect(read).toEqual(after);
        expect(ownStatements(read)).toEqual(read.Statement.filter(hasOurSid));
        expect(ownStatements(read)).toHaveLength(wanted.length > 0 ? 2 : 0);
        const sids = read.Statement.flatMap(({ Sid }) => (Sid === undefined || Sid === '' ? [] : [Sid]));
        expect(sids).toEqual([...new Set(sids)]);
        expect(orphans(read)).toEqual([]);
      }),
    );
  });

  it('exactly the roles that are set are granted, and in no other mode', () => {
    fc.assert(
      fc.property(...withAccess, roles, (before, some, access, more) => {
        const after = withGrants(before, arnsOf(some), access);
        const standIn = ({ arn, pattern: like }: Role) => (access.mode === 'role-arns' ? arn : like);
        const standIns = some.map(standIn);
        const candidates = [...some, ...more];
        expect(candidates.filter(({ arn }) => isGranted(after, arn, access))).toEqual(
          candidates.filter((candidate) => standIns.includes(standIn(candidate))),
        );
        const otherAccess = access.mode === 'role-arns' ? byPattern : byArns;
        expect(candidates.filter(({ arn }) => isGranted(after, arn, otherAccess))).toEqual([]);
        const named = some.map(({ arn }) => arn).filter((arn) => standIns.includes(arn));
        expect(grantedRoles(after).sort()).toEqual([...new Set(named)].sort());
      }),
    );
  });

  it('what KMS makes of a document changes nothing', () => {
    fc.assert(
      fc.property(...withAccess, fc.nat({ max: 30 }), (before, some, access, read) => {
        const after = withGrants(before, arnsOf(some), access);
        const told = parseKeyPolicy(JSON.stringify(toldByKms(after, read), null, 1));
        expect(canonical(told)).toBe(canonical(after));
        expect(withGrants(told, arnsOf(some), access)).toBe(told);
      }),
    );
  });

  it('other roles make another canonical form', () => {
    fc.assert(
      fc.property(policies, roles, roles, (before, some, more) => {
        const forms = [some, more].map((set) => canonical(withGrants(before, arnsOf(set), byArns)));
        const sets = [some, more].map((set) => [...new Set(arnsOf(set))].sort().join(' '));
        expect(forms[0] === forms[1]).toBe(sets[0] === sets[1]);
      }),
    );
  });

  it('no result passes the limit, and none that fits is refused', () => {
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(largePolicies, roles, accesses, (before, some, access) => {
        const ours = withGrants(policy(), arnsOf(some), access).Statement;
        const bytes = size({ ...before, Statement: [...before.Statement, ...ours] });
        const fits = bytes <= 32_768;
        outcomes.add(`${access.mode} ${fits}`);
        if (fits) expect(size(withGrants(before, arnsOf(some), access))).toBe(bytes);
        else {
          const error = new KeyPolicyFull(new Set(arnsOf(some)).size, { bytes, maxBytes: 32_768 });
          expect(() => withGrants(before, arnsOf(some), access)).toThrow(error);
        }
      }),
    );
    expect(outcomes).toEqual(new Set(['role-arns true', 'role-arns false', 'role-pattern true', 'role-pattern false']));
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

  it.each([undefined, ''])('is told of a statement whose Sid is %j', (Sid) => {
    const { Sid: _, ...nameless } = theirs;
    const statement = { ...nameless, ...(Sid !== undefined && { Sid }), Principal: { AWS: acme } };
    expect(check(statement)).toThrow('Statement "(without Sid)" of the policy of key');
  });

  it('must not meet the id of another that was deleted, as nobody could take it out', () => {
    expect(check({ ...theirs, Principal: { AWS: deletedRole } })).toThrow(
      expect.objectContaining({ name: 'KeyPolicyOrphan' }),
    );
  });

  it.each<[whom: string, Statement]>([
    ['others', { ...theirs, Principal: { AWS: other } }],
    ['everybody', { ...theirs, Principal: '*' }],
  ])('may be deleted when the other statements name %s', (_, statement) => {
    expect(check(statement)).not.toThrow();
  });
});
