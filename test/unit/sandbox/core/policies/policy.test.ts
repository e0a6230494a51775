import { describe, expect, it } from 'vitest';
import type { Access, Caller, PolicyDocument } from '../../../../../sandbox/core/operation.ts';
import { decide, policyAllows, trustPolicy } from '../../../../../sandbox/core/policies/policy.ts';
import { allow, type Element, policy, roleArn } from './policy-statements.ts';

const userArn = 'arn:aws:iam::111111111111:user/alice';
const rootArn = 'arn:aws:iam::111111111111:root';
const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-aaaa-4aaa-8aaa-111111111111';

const deny = (element: Element = {}) => ({ ...allow(element), Effect: 'Deny' });

const callerWith = (...policies: PolicyDocument[]): Caller => ({
  accountId: '111111111111',
  region: 'us-east-1',
  principalArn: roleArn,
  arn: 'arn:aws:sts::111111111111:assumed-role/deployer/session',
  principalId: 'AROAAAAAAAAAAAAAAAAAA',
  policies,
});

describe('one identity policy', () => {
  const ask = (element: Element, { action = 's3:GetObject', resource = 'arn:aws:s3:::bucket/key' } = {}) =>
    policyAllows(policy(allow(element)), { action, resource });

  it.each([
    ['an exact action', { Action: 's3:GetObject' }, 'allow'],
    ['an action in another case', { Action: 'S3:getobject' }, 'allow'],
    ['a * in an action', { Action: 's3:Get*' }, 'allow'],
    ['a ? for one character', { Action: 's3:GetObjec?' }, 'allow'],
    ['a ? for no character', { Action: 's3:GetObject?' }, 'none'],
    ['an action of an array', { Action: ['s3:PutObject', 's3:GetObject'] }, 'allow'],
    ['another action', { Action: 's3:PutObject' }, 'none'],
    ['an action of which it is only a part', { Action: 's3:GetObjectTagging' }, 'none'],
    ['a dot that is no wildcard', { Action: 's3.GetObject' }, 'none'],
    ['nothing but wildcards', { Action: '?*' }, 'allow'],
    ['NotAction of another action', { Action: undefined, NotAction: 'iam:*' }, 'allow'],
    ['NotAction of this action', { Action: undefined, NotAction: ['iam:*', 's3:*'] }, 'none'],
    ['a * in a resource, across slashes', { Resource: 'arn:aws:s3:::b*y' }, 'allow'],
    ['a dot beside a *', { Resource: 'arn:aws:s3:::b.cket/*' }, 'none'],
    ['a resource in another case', { Resource: 'arn:aws:s3:::Bucket/key' }, 'none'],
    ['NotResource of another resource', { Resource: undefined, NotResource: 'arn:aws:s3:::other/*' }, 'allow'],
    ['NotResource of this resource', { Resource: undefined, NotResource: 'arn:aws:s3:::bucket/*' }, 'none'],
  ])('%s', (_name, element, verdict) => {
    expect(ask(element)).toBe(verdict);
  });

  it('lets a deny win over an allow, in any order', () => {
    const question = { action: 's3:GetObject', resource: 'arn:aws:s3:::bucket/key' };
    expect(policyAllows(policy(allow(), deny()), question)).toBe('deny');
    expect(policyAllows(policy(deny(), allow()), question)).toBe('deny');
  });

  it('takes a dot of a pattern for itself', () => {
    expect(ask({ Resource: 'arn:aws:s3:::b.c/*' }, { resource: 'arn:aws:s3:::b.c/key' })).toBe('allow');
  });

  it('may be of either version', () => {
    const document = { ...policy(allow()), Version: '2008-10-17' };
    expect(policyAllows(document, { action: 's3:GetObject', resource: '*' })).toBe('allow');
  });

  it('takes a single statement without an array', () => {
    expect(policyAllows({ Statement: allow() }, { action: 's3:GetObject', resource: '*' })).toBe('allow');
  });

  it('allows an action without resource-level permissions only on *', () => {
    expect(ask({ Resource: 'arn:aws:s3:::*' }, { action: 's3:ListAllMyBuckets', resource: '*' })).toBe('none');
    expect(ask({}, { action: 's3:ListAllMyBuckets', resource: '*' })).toBe('allow');
  });
});

describe('one resource policy', () => {
  const ask = (principal: unknown, effect = allow) =>
    policyAllows(policy(effect({ Principal: principal })), {
      principalArn: roleArn,
      action: 'kms:Decrypt',
      resource: keyArn,
    });

  it.each([
    ['the role', { AWS: roleArn }, 'allow'],
    ['one of several', { AWS: ['arn:aws:iam::111111111111:user/u', roleArn] }, 'allow'],
    ['everyone', '*', 'allow'],
    ['everyone as AWS', { AWS: '*' }, 'allow'],
    ['the role in another case', { AWS: roleArn.replace('deployer', 'Deployer') }, 'none'],
    ['another role', { AWS: `${roleArn}2` }, 'none'],
    ['the account root', { AWS: rootArn }, 'delegate'],
    ['the account id', { AWS: '111111111111' }, 'delegate'],
    ['another account', { AWS: '222222222222' }, 'none'],
    ['the account and another role', { AWS: [rootArn, `${roleArn}2`] }, 'delegate'],
    ['the account and the role', { AWS: [rootArn, roleArn] }, 'allow'],
    ['a service', { Service: 'dynamodb.amazonaws.com' }, 'none'],
    ['a deleted role', { AWS: 'AROAAAAAAAAAAAAAAAAAA' }, 'none'],
    ['a federated user', { Federated: 'cognito-identity.amazonaws.com' }, 'none'],
    ['a canonical user', { CanonicalUser: '79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be' }, 'none'],
  ])('%s', (_name, principal, verdict) => {
    expect(ask(principal)).toBe(verdict);
  });

  it.each([
    ['the role and its account', { AWS: [roleArn, rootArn] }, 'none'],
    ['the role and the id of its account', { AWS: ['111111111111', roleArn] }, 'none'],
    ['the role without its account', { AWS: roleArn }, 'deny'],
    ['the account without the role', { AWS: rootArn }, 'deny'],
    ['another role of the account', { AWS: [`${roleArn}2`, rootArn] }, 'deny'],
    ['the role, and another account', { AWS: [roleArn, '222222222222'] }, 'deny'],
    ['a service', { Service: 'dynamodb.amazonaws.com' }, 'deny'],
    ['a deleted role', { AWS: ['AROAAAAAAAAAAAAAAAAAA', rootArn] }, 'deny'],
    ['everyone', '*', 'none'],
  ])('that denies all but %s', (_name, principal, verdict) => {
    expect(ask(undefined, () => deny({ NotPrincipal: principal }))).toBe(verdict);
  });

  it('that denies all but a service lets that one pass, and no other', () => {
    const document = policy(deny({ NotPrincipal: { Service: 'dynamodb.amazonaws.com' } }));
    const of = (service: string) => policyAllows(document, { service, action: 'kms:Decrypt', resource: keyArn });
    expect(of('dynamodb.amazonaws.com')).toBe('none');
    expect(of('s3.amazonaws.com')).toBe('deny');
  });

  it('denies everyone in a denied account', () => {
    expect(ask({ AWS: rootArn }, deny)).toBe('deny');
    expect(ask({ AWS: '222222222222' }, deny)).toBe('none');
  });

  it.each([
    ['itself', { Service: ['lambda.amazonaws.com', 'states.amazonaws.com'] }, 'allow'],
    ['everyone', '*', 'allow'],
    ['another service', { Service: 'lambda.amazonaws.com' }, 'none'],
    ['an account', { AWS: rootArn }, 'none'],
    ['a role', { AWS: roleArn }, 'none'],
  ])('lets a service in by %s', (_name, principal, verdict) => {
    const question = { service: 'states.amazonaws.com', action: 'kms:Decrypt', resource: keyArn };
    expect(policyAllows(policy(allow({ Principal: principal })), question)).toBe(verdict);
  });
});

describe('a trust policy', () => {
  const trust = { Effect: 'Allow', Principal: { Service: 'states.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const question = { action: 'sts:AssumeRole', resource: roleArn };

  it.each([
    ['one statement', trust],
    ['an array of statements', [{ ...trust, Principal: { AWS: roleArn } }, trust]],
  ])('of %s is about its own role', (_name, statement) => {
    const document = trustPolicy({ Version: '2012-10-17', Statement: statement });
    expect(document.Version).toBe('2012-10-17');
    expect(policyAllows(document, { ...question, service: 'states.amazonaws.com' })).toBe('allow');
    expect(policyAllows(document, { ...question, service: 'lambda.amazonaws.com' })).toBe('none');
  });
});

describe('what the evaluator does not know', () => {
  const identity = { action: 'a:B', resource: '*' };
  const resource = { ...identity, principalArn: roleArn };

  it.each([
    ['a document that is none', JSON.parse('null'), identity, '(document)'],
    ['a document element', { ...policy(allow()), Extra: 1 }, identity, 'Extra'],
    ['a version', { Version: '2020-01-01', Statement: [allow()] }, identity, 'Version'],
    ['a statement element', policy(allow({ Extra: 1 })), identity, 'Statement.0.Extra'],
    ['an effect', policy(allow({ Effect: 'Maybe' })), identity, 'Statement.0.Effect'],
    ['NotPrincipal that allows', policy(allow({ NotPrincipal: '*' })), resource, 'NotPrincipal'],
    ['both kinds of principal', policy(deny({ Principal: '*', NotPrincipal: '*' })), resource, 'Principal'],
    ['NotPrincipal in an identity policy', policy(deny({ NotPrincipal: '*' })), identity, 'Principal'],
    ['a principal type', policy(allow({ Principal: { Robot: 'x' } })), resource, 'Robot'],
    ['a principal', policy(allow({ Principal: { AWS: 'arn:aws:iam::1:group/g' } })), resource, 'group/g'],
    ['an operator', policy(allow({ Condition: { StringMatches: { a: 'b' } } })), identity, 'StringMatches'],
    ['an operator that every object has', policy(allow({ Condition: { toString: { a: 'b' } } })), identity, 'toString'],
    ['no address', policy(allow({ Condition: { IpAddress: { a: 'x/8' } } })), identity, 'x/8'],
    [
      'a range in another notation',
      policy(allow({ Condition: { IpAddress: { a: '10.0.0.0/1e1' } } })),
      identity,
      '/1e1',
    ],
    ['a range of ranges', policy(allow({ Condition: { IpAddress: { a: '10.0.0.0/8/8' } } })), identity, '/8/8'],
    ['no range', policy(allow({ Condition: { NotIpAddress: { a: '10.0.0.0/33' } } })), identity, '10.0.0.0/33'],
    ['an operator with something before it', policy(allow({ Condition: { ' Bool': { a: 'b' } } })), identity, ' Bool'],
    ['IfExists of Null', policy(allow({ Condition: { NullIfExists: { a: 'true' } } })), identity, 'NullIfExists'],
    ['a qualifier', policy(allow({ Condition: { 'ForNoValue:Bool': { a: 'b' } } })), identity, 'ForNoValue'],
    ['a variable in a resource', policy(allow({ Resource: 'arn:${aws:username}' })), identity, '${aws:username}'],
    [
      'a variable in a condition',
      policy(allow({ Condition: { StringEquals: { a: '${aws:PrincipalAccount}' } } })),
      identity,
      '${aws:PrincipalAccount}',
    ],
    ['no action', policy(allow({ Action: undefined })), identity, 'Action'],
    ['two kinds of resource', policy(allow({ NotResource: '*' })), identity, 'Resource'],
    [
      'a principal in an identity policy',
      policy(allow({ Principal: '*', Sid: 'One' })),
      identity,
      'known in statement One',
    ],
    ['no principal in a resource policy', policy(allow()), resource, 'missing in statement (no Sid)'],
    ['a statement that would not apply', policy(allow({ Action: 'x:Y', Condition: { Foo: {} } })), identity, 'Foo'],
  ])('%s', (_name, document, question, named) => {
    expect(() => policyAllows(document, question)).toThrow(named);
  });
});

describe('decide', () => {
  const access: Access = { action: 'kms:Decrypt', resource: keyArn };
  const keyAccess = (resourcePolicy: PolicyDocument): Access => ({
    ...access,
    resourcePolicy,
    identityPolicySuffices: false,
  });
  const grant = policy(allow({ Principal: { AWS: roleArn } }));
  const delegation = policy(allow({ Principal: { AWS: rootArn } }));
  const stranger = policy(allow({ Principal: { AWS: 'arn:aws:iam::111111111111:role/other' } }));

  it.each([
    ['nothing', callerWith(), access, false],
    ['an identity policy', callerWith(policy(allow())), access, true],
    ['one of several identity policies', callerWith(policy(), policy(allow())), access, true],
    ['a deny in another identity policy', callerWith(policy(allow()), policy(deny())), access, false],
    ['a resource policy alone', callerWith(), { ...access, resourcePolicy: grant }, true],
    [
      'an identity policy beside a resource policy',
      callerWith(policy(allow())),
      { ...access, resourcePolicy: stranger },
      true,
    ],
    ['a key policy that names the role', callerWith(), keyAccess(grant), true],
    ['a key policy that names the role, and an identity deny', callerWith(policy(deny())), keyAccess(grant), false],
    ['delegation and an identity policy', callerWith(policy(allow())), keyAccess(delegation), true],
    ['delegation without an identity policy', callerWith(), keyAccess(delegation), false],
    ['an identity policy without delegation', callerWith(policy(allow())), keyAccess(stranger), false],
    [
      'a deny in the key policy',
      callerWith(policy(allow())),
      keyAccess(policy(allow({ Principal: { AWS: rootArn } }), deny({ Principal: '*' }))),
      false,
    ],
  ] satisfies [string, Caller, Access, boolean][])('%s', (_name, caller, question, allowed) => {
    expect(decide(caller, question).allowed).toBe(allowed);
  });

  const elsewhere = (resourcePolicy?: PolicyDocument): Access => ({
    ...access,
    resourceAccountId: '222222222222',
    ...(resourcePolicy && { resourcePolicy }),
  });

  it.each([
    ['an identity policy alone', callerWith(policy(allow())), elsewhere(), false],
    ['a resource policy alone', callerWith(), elsewhere(grant), false],
    ['both', callerWith(policy(allow())), elsewhere(grant), true],
    ['an identity policy and delegation', callerWith(policy(allow())), elsewhere(delegation), true],
    ["an identity policy and another role's grant", callerWith(policy(allow())), elsewhere(stranger), false],
  ] satisfies [string, Caller, Access, boolean][])('across accounts, %s', (_name, caller, question, allowed) => {
    expect(decide(caller, question).allowed).toBe(allowed);
  });

  it('says which policy is missing or denies', () => {
    expect(decide(callerWith(), access)).toEqual({
      allowed: false,
      reason: 'because no identity-based policy allows the kms:Decrypt action',
    });
    expect(decide(callerWith(policy(deny())), access)).toMatchObject({
      reason: 'with an explicit deny in an identity-based policy',
    });
    expect(decide(callerWith(policy(allow())), keyAccess(stranger))).toMatchObject({
      reason: 'because no resource-based policy allows the kms:Decrypt action',
    });
    expect(decide(callerWith(policy(allow())), keyAccess(policy(deny({ Principal: '*' }))))).toMatchObject({
      reason: 'with an explicit deny in a resource-based policy',
    });
  });

  it('takes numbers for the names of policies and statements', () => {
    const document = { Version: '2012-10-17', Id: 42, Statement: [allow({ Sid: 7 })] };
    expect(decide(callerWith(document), access).allowed).toBe(true);
  });

  it.each([
    ['a session', callerWith(), 'AROAAAAAAAAAAAAAAAAAA:session', undefined, 'AssumedRole'],
    [
      'a user',
      { ...callerWith(), arn: userArn, principalArn: userArn, principalId: 'AIDAAAAAAAAAAAAAAAAAA' },
      'AIDAAAAAAAAAAAAAAAAAA',
      'alice',
      'User',
    ],
  ])('knows %s by id, name and type', (_name, caller, id, name, type) => {
    const holds = (condition: Element) =>
      decide({ ...caller, policies: [policy(allow({ Condition: condition }))] }, access).allowed;
    expect(holds({ StringEquals: { 'aws:userid': id, 'aws:PrincipalType': type } })).toBe(true);
    expect(holds(name ? { StringEquals: { 'aws:username': name } } : { Null: { 'aws:username': 'true' } })).toBe(true);
  });

  it('knows the global condition keys of the caller', () => {
    const condition = { ArnEquals: { 'aws:PrincipalArn': roleArn }, Bool: { 'aws:ViaAWSService': 'true' } };
    const caller = callerWith(policy(allow({ Condition: condition })));
    expect(decide(caller, access).allowed).toBe(false);
    expect(decide({ ...caller, via: 'cloudformation.amazonaws.com' }, access).allowed).toBe(true);
  });

  it.each([
    ['AssumedRole', {}],
    ['User', { arn: userArn, principalArn: userArn }],
  ])('knows the caller as %s, and as no service', (type, changes) => {
    const condition = {
      StringEquals: { 'aws:PrincipalType': type },
      Bool: { 'aws:PrincipalIsAWSService': 'false' },
    };
    const caller = { ...callerWith(policy(allow({ Condition: condition }))), ...changes };
    expect(decide(caller, access).allowed).toBe(true);
  });
});

describe("a role's permissions boundary", () => {
  const action = 's3:GetObject';
  const resource = 'arn:aws:s3:::bucket/key';
  const ask = (boundary: PolicyDocument, access: Partial<Access> = {}, ...identity: PolicyDocument[]) =>
    decide({ ...callerWith(...identity), permissionsBoundary: boundary }, { action, resource, ...access });
  const beyond = { allowed: false, reason: `because no permissions boundary allows the ${action} action` };
  const open = policy(allow());
  const openBucket = policy(allow({ Principal: { AWS: roleArn } }));

  it('lets pass what it allows, by action, resource and context', () => {
    const condition = { StringEquals: { 'aws:RequestedRegion': 'us-east-1' } };
    const boundary = policy(allow({ Action: action, Resource: resource, Condition: condition }));
    const context = { 'aws:RequestedRegion': 'us-east-1' };
    expect(ask(boundary, { context }, open)).toEqual({ allowed: true });
    expect(ask(boundary, { context: { 'aws:RequestedRegion': 'eu-west-1' } }, open)).toEqual(beyond);
    expect(ask(boundary, { context, resource: `${resource}2` }, open)).toEqual(beyond);
  });

  it('allows nothing by itself', () => {
    const reason = `because no identity-based policy allows the ${action} action`;
    expect(ask(open)).toEqual({ allowed: false, reason });
  });

  it("keeps the role from what it does not allow, also from what the resource's policy allows", () => {
    const boundary = policy(allow({ Action: 's3:PutObject' }));
    expect(ask(boundary, {}, open)).toEqual(beyond);
    expect(ask(boundary, { resourcePolicy: openBucket })).toEqual(beyond);
  });

  it('is named when it denies, after the policies that do', () => {
    const boundary = policy(allow(), deny({ Action: action }));
    const denied = (kind: string) => ({ allowed: false, reason: `with an explicit deny in ${kind}` });
    expect(ask(boundary, { resourcePolicy: openBucket }, open)).toEqual(denied('a permissions boundary'));
    expect(ask(boundary, {}, policy(deny()))).toEqual(denied('an identity-based policy'));
  });
});
