import { describe, expect, it } from 'vitest';
import { parseKeyPolicy } from '../../../../../lib/keys/key-policy.ts';
import { type Statement, serializeKeyPolicy } from '../../../../../lib/keys/policy-document.ts';
import { likeStatements, namingStatements, openStatements } from '../../../functions/key-policies.ts';
import {
  account,
  acme,
  admin,
  attachByAcme,
  beta,
  deletedRole,
  granted,
  other,
  owners,
  pattern,
  patterned,
  policy,
  useByAcme,
  without,
} from './key-policy-fixture.ts';

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
    ['without an action, which has no effect', policy(admin, without(owners({}), 'Action'))],
    ['without a resource, which has no effect', policy(admin, without(owners({}), 'Resource'))],
    ['with the ARN of the key', policy(admin, owners({ Resource: 'arn:aws:kms:us-east-1:111111111111:key/a' }))],
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
    [
      'with statements of ours for a pattern, below whatever path, as version 0.1.0 wrote them',
      policy(admin, ...openStatements([account], [other, pattern])),
    ],
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
      openStatements(account, arn)[0],
      `${isAccount} should not have "${account}"; ${isMember} should not have "${arn}"`,
    ]),
    [
      'another account',
      likeStatements('222222222222', pattern)[0],
      `${isAccount} has "222222222222" in place of "${account}"`,
    ],
    [
      'a pattern and no account',
      {
        ...useByPattern,
        Condition: { ArnLike: { 'aws:PrincipalArn': pattern }, ArnNotLike: { 'aws:PrincipalArn': `${pattern}/*` } },
      },
      `${isAccount} is missing`,
    ],
    [
      'a pattern and another one that it does not match',
      {
        ...useByPattern,
        Condition: { ...useByPattern.Condition, ArnNotLike: { 'aws:PrincipalArn': `${pattern}/b/*` } },
      },
      `Condition.ArnNotLike.aws:PrincipalArn has "${pattern}/b/*" in place of "${pattern}/*"`,
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
      `${isAccount} should not be there; ${isMember} should not be there; Condition.ArnNotLike.aws:PrincipalArn should not be there`,
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
  ])('with a statement under a Sid of ours that has %s is refused, and says what', (_name, statement, difference) => {
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
