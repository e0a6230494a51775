import { beforeEach, describe, expect, it } from 'vitest';
import type { Caller, PolicyDocument } from '../../../../../sandbox/core/operation.ts';
import { createIam } from '../../../../../sandbox/services/iam/service.ts';
import {
  call,
  callerOf,
  canonical,
  clock,
  createRole,
  decideUse,
  deployer,
  document,
  enableIam,
  get,
  iam,
  invalidPrincipals,
  keyArn,
  kms,
  lockout,
  put,
  rootArn,
  setUp,
  use,
} from './kms-fixture.ts';

beforeEach(setUp);

describe('the key policy of an owner', () => {
  const admin = 'arn:aws:iam::111111111111:user/KMSAdminUser';
  const user = 'arn:aws:iam::111111111111:role/team/ExampleRole';
  const useActions = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'];
  const grantActions = ['kms:CreateGrant', 'kms:ListGrants', 'kms:RevokeGrant'];
  const administer = ['kms:Create*', 'kms:Put*', 'kms:ScheduleKeyDeletion', 'kms:CancelKeyDeletion'];
  const onlyRoot = { Effect: 'Allow', Principal: { AWS: rootArn }, Action: 'kms:*', Resource: '*' };
  const allow = (Condition: object, elements: Record<string, unknown> = {}) => ({
    Effect: 'Allow',
    Principal: '*',
    Action: useActions,
    Resource: '*',
    Condition,
    ...elements,
  });

  beforeEach(() => {
    iam.createUser({ userName: 'KMSAdminUser' });
    iam.createRole({ roleName: 'ExampleRole', path: '/team/', assumeRolePolicyDocument: document() });
  });

  it.each<[string, PolicyDocument]>([
    [
      'the console, with key administrators and users',
      {
        Id: 'key-consolepolicy-3',
        ...document(
          enableIam,
          use(admin, { Sid: 'Allow access for Key Administrators', Action: administer }),
          use([user, 'arn:aws:iam::222222222222:root'], { Action: useActions }),
          use([user, 'arn:aws:iam::222222222222:root'], {
            Sid: 'Allow attachment of persistent resources',
            Action: grantActions,
            Condition: { Bool: { 'kms:GrantIsForAWSResource': true } },
          }),
        ),
      },
    ],
    ["Terraform's aws_kms_key", { Id: 'key-default-1', ...document(enableIam) }],
    ['the CDK', { Statement: [onlyRoot], Version: '2012-10-17' }],
    [
      'the CDK, for a table',
      document(onlyRoot, {
        ...onlyRoot,
        Action: ['kms:CreateGrant', ...useActions],
        Condition: { StringLike: { 'kms:ViaService': 'dynamodb.*.amazonaws.com' } },
      }),
    ],
    ['somebody with a number for a name', { Id: 42, ...document({ ...onlyRoot, Sid: 1 }) }],
    ['somebody without a version', { Statement: [onlyRoot] }],
    [
      'somebody who excepts',
      document(onlyRoot, {
        Effect: 'Deny',
        NotPrincipal: { AWS: ['arn:aws:iam::111111111111:role/deployer', admin, rootArn] },
        NotAction: ['kms:Describe*', 'kms:Get*'],
        Resource: ['*'],
      }),
    ],
    [
      'an AWS service',
      document(onlyRoot, {
        Effect: 'Allow',
        Principal: { Service: ['logs.us-east-1.amazonaws.com', 'sns.amazonaws.com'] },
        Action: 'kms:GenerateDataKey*',
        Resource: '*',
        Condition: {
          StringEquals: { 'aws:SourceAccount': '111111111111' },
          ArnLike: { 'aws:SourceArn': 'arn:aws:logs:*:111111111111:*' },
          StringLike: { 'kms:EncryptionContext:aws:logs:arn': ['arn:aws:logs:*:111111111111:*'] },
        },
      }),
    ],
    [
      'an organization',
      document(
        onlyRoot,
        allow({ StringEquals: { 'aws:PrincipalOrgID': 'o-a1b2c3d4e5' } }, { Principal: { AWS: '*' } }),
      ),
    ],
    [
      'an AWS managed key',
      document(
        onlyRoot,
        allow({
          StringEquals: { 'kms:CallerAccount': '111111111111', 'kms:ViaService': 'ec2.us-east-1.amazonaws.com' },
        }),
      ),
    ],
    [
      'somebody with other kinds of principals',
      document(
        onlyRoot,
        { ...onlyRoot, Principal: { Federated: 'cognito-identity.amazonaws.com', AWS: user } },
        {
          ...onlyRoot,
          Principal: { CanonicalUser: '79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be' },
        },
      ),
    ],
    [
      'somebody with many conditions',
      document(
        onlyRoot,
        allow({
          'ForAllValues:StringEquals': { 'kms:GrantOperations': ['Encrypt', 'Decrypt'] },
          'ForAnyValue:StringLike': { 'aws:PrincipalOrgPaths': 'o-a1b2c3d4e5/*' },
          StringNotLike: { 'aws:userId': ['AROAAAAAAAAAAAAAAAAAA:*'] },
          ArnNotEqualsIfExists: { 'aws:PrincipalArn': user },
          NumericLessThan: { 'kms:ScheduleKeyDeletionPendingWindowInDays': 30 },
          DateGreaterThan: { 'aws:CurrentTime': '2026-01-01T00:00:00Z' },
          NotIpAddress: { 'aws:SourceIp': ['203.0.113.0/24', '2001:db8::/32'] },
          Null: { 'aws:MultiFactorAuthAge': 'false' },
        }),
      ),
    ],
  ])('is kept as it was written by %s', async (_name, policy) => {
    await put(policy);
    expect(kms.keyPolicy(keyArn)).toEqual(policy);
    expect(canonical(JSON.parse(await get()))).toEqual(canonical(policy));
  });

  it('may have one statement without an array', async () => {
    await put({ Version: '2012-10-17', Statement: onlyRoot });
    expect(kms.keyPolicy(keyArn)).toEqual(document(onlyRoot));
  });

  it('is refused for a principal under NotPrincipal that is not there', async () => {
    const allBut = (...principals: (string | undefined)[]) =>
      document(onlyRoot, {
        Effect: 'Deny',
        NotPrincipal: { AWS: [rootArn, deployer.principalArn, ...principals] },
        Action: 'kms:*',
        Resource: '*',
      });
    await expect(put(allBut('arn:aws:iam::111111111111:role/unseen'))).rejects.toThrow(invalidPrincipals);
    await expect(put(allBut(iam.principalId(user)))).rejects.toThrow(invalidPrincipals);
    await put(allBut(user));
    iam.deleteRole('ExampleRole');
    const told = await get();
    expect(told).toContain('AROA');
    expect(told).not.toContain(user);
    await expect(put(told)).rejects.toThrow(invalidPrincipals);
  });

  it('locks out whom NotPrincipal does not except, with the account', async () => {
    const allBut = (principals: string[]) =>
      document(onlyRoot, { Effect: 'Deny', NotPrincipal: { AWS: principals }, Action: 'kms:*', Resource: '*' });
    await expect(put(allBut([rootArn]))).rejects.toThrow(lockout);
    await expect(put(allBut([deployer.principalArn]))).rejects.toThrow(lockout);
    await expect(put(allBut([rootArn, deployer.principalArn]))).resolves.toEqual({});
  });

  it('may depend on the time', async () => {
    const until = new Date(clock.now() + 60_000).toISOString();
    await put(document(enableIam, use(user, { Condition: { DateLessThan: { 'aws:CurrentTime': until } } })));
    const caller = callerOf(user);
    expect(decideUse(caller, keyArn, ['kms:Decrypt']).allowed).toBe(true);
    clock.advance(61_000);
    expect(decideUse(caller, keyArn, ['kms:Decrypt']).allowed).toBe(false);
  });
});

describe('a statement for all roles of an account with a name', () => {
  const toName = (pattern: string) =>
    document(enableIam, {
      Sid: 'Allow InfinStor',
      Effect: 'Allow',
      Principal: '*',
      Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey*', 'kms:DescribeKey', 'kms:CreateGrant'],
      Resource: '*',
      Condition: {
        StringEquals: { 'aws:PrincipalAccount': '111111111111' },
        ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::111111111111:role/${pattern}` },
      },
    });
  const roleName = 'RoleForInfinStorMlflowService-acme';
  const viaDynamoDb = {
    'kms:ViaService': 'dynamodb.us-east-1.amazonaws.com',
    'kms:GrantOperations': ['Encrypt', 'Decrypt'],
  };
  const mayUse = (caller: Caller) => [
    decideUse(caller, keyArn, ['kms:Decrypt', 'kms:GenerateDataKey']).allowed,
    decideUse(caller, keyArn, ['kms:Decrypt', 'kms:CreateGrant'], viaDynamoDb).allowed,
  ];

  it('lets such a role use the key, directly and through a service with a grant, however often it is made', async () => {
    await put(toName('RoleForInfinStorMlflowService-*'));
    const caller = callerOf(createRole(roleName));
    expect(mayUse(caller)).toEqual([true, true]);
    await expect(call('DescribeKey', { KeyId: keyArn }, caller)).resolves.toBeDefined();
    iam.deleteRole(roleName);
    expect(mayUse(callerOf(createRole(roleName)))).toEqual([true, true]);
  });

  it('goes by the ARN with its path', async () => {
    const inTeam = { roleName, path: '/team/', assumeRolePolicyDocument: document() };
    const caller = callerOf(iam.createRole(inTeam).arn);
    await put(toName('RoleForInfinStorMlflowService-*'));
    expect(mayUse(caller)).toEqual([false, false]);
    await put(toName('team/RoleForInfinStorMlflowService-*'));
    expect(mayUse(caller)).toEqual([true, true]);
  });

  it('lets nobody else', async () => {
    await put(toName('RoleForInfinStorMlflowService-*'));
    const anything = document({ Effect: 'Allow', Action: '*', Resource: '*' });
    const elsewhere = createIam(clock, '222222222222');
    const foreign = elsewhere.createRole({
      roleName,
      assumeRolePolicyDocument: document(),
      policies: [{ name: 'anything', document: anything }],
    });
    const user = iam.createUser({ userName: roleName });
    const callers = [
      callerOf(createRole('RoleForInfinStorMlflowService')),
      callerOf(createRole(`Other${roleName}`)),
      iam.caller(iam.credentials(user.arn, '').accessKeyId),
      elsewhere.caller(elsewhere.credentials(foreign.arn, 'session').accessKeyId),
    ];
    for (const caller of callers) {
      expect(caller && mayUse(caller), caller?.principalArn).toEqual([false, false]);
    }
  });
});
