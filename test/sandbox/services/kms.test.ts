import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { account } from '../../../sandbox/account.ts';
import { createClock } from '../../../sandbox/clock.ts';
import { createFaults } from '../../../sandbox/faults.ts';
import { decide } from '../../../sandbox/policy.ts';
import { UnsupportedPolicy } from '../../../sandbox/policy-document.ts';
import { type Access, AwsError, type Caller, type PolicyDocument } from '../../../sandbox/service.ts';
import { createEvents, type Events } from '../../../sandbox/services/events.ts';
import { createIam, type Iam } from '../../../sandbox/services/iam.ts';
import { createKms, type Kms } from '../../../sandbox/services/kms.ts';

const keyId = '11111111-aaaa-4aaa-8aaa-111111111111';
const keyArn = `arn:aws:kms:us-east-1:111111111111:key/${keyId}`;
const rootArn = 'arn:aws:iam::111111111111:root';
const invalidPrincipals = 'Policy contains a statement with one or more invalid principals.';
const lockout = 'The new key policy will not allow you to update the key policy in the future.';

const enableIam = {
  Sid: 'Enable IAM User Permissions',
  Effect: 'Allow',
  Principal: { AWS: rootArn },
  Action: 'kms:*',
  Resource: '*',
};
const use = (principals: string | string[], rest: Record<string, unknown> = {}) => ({
  Sid: 'Allow use of the key',
  Effect: 'Allow',
  Principal: { AWS: principals },
  Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey'],
  Resource: '*',
  ...rest,
});
/** A statement of what `use` has, with elements in place of others; undefined takes one away. */
const statement = (elements: Record<string, unknown>) => use(rootArn, elements);
const document = (...statements: Record<string, unknown>[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements,
});

const clock = createClock();
afterEach(() => clock.stop());

let iam: Iam;
let kms: Kms;
let deployer: Caller;
let events: Events;

beforeEach(() => {
  iam = createIam(clock);
  events = createEvents({ clock, faults: createFaults([]), deliver: () => {} });
  kms = createKms({ clock, iam, publish: events.publish });
  kms.createKey({ arn: keyArn, tags: { 'infinstor-onboarding': 'allowed' } });
  deployer = callerOf(
    createRole(
      'deployer',
      document({
        Effect: 'Allow',
        Action: ['kms:GetKeyPolicy', 'kms:PutKeyPolicy', 'kms:DescribeKey', 'kms:ListResourceTags'],
        Resource: '*',
        Condition: { StringEquals: { 'aws:ResourceTag/infinstor-onboarding': 'allowed' } },
      }),
    ),
  );
});

function createRole(roleName: string, policy?: PolicyDocument): string {
  const policies = policy === undefined ? [] : [{ name: 'inline', document: policy }];
  return iam.createRole({ roleName, assumeRolePolicyDocument: document(), policies }).arn;
}

function callerOf(roleArn: string): Caller {
  const caller = iam.caller(iam.credentials(roleArn, 'session').accessKeyId);
  if (caller === undefined) throw new Error(`${roleArn} has no caller`);
  return caller;
}

/** Calls as the HTTP server does: parse, ask IAM, run. */
async function call(operationName: string, input: object, caller = deployer): Promise<unknown> {
  const operation = kms.service.operations[operationName];
  if (operation === undefined) throw new Error(`no operation ${operationName}`);
  const parsed = operation.parse(input);
  for (const access of operation.access(parsed, caller)) {
    const decision = decide(caller, access);
    if (!decision.allowed) throw new AwsError('AccessDeniedException', decision.reason);
  }
  return operation.run(parsed, caller);
}

const put = (policy: PolicyDocument | string, caller = deployer) =>
  call(
    'PutKeyPolicy',
    { KeyId: keyArn, PolicyName: 'default', Policy: typeof policy === 'string' ? policy : JSON.stringify(policy) },
    caller,
  );

async function get(): Promise<string> {
  const output = await call('GetKeyPolicy', { KeyId: keyArn });
  const policy = output !== null && typeof output === 'object' && 'Policy' in output ? output.Policy : undefined;
  return typeof policy === 'string' ? policy : '';
}

const readSchema = v.looseObject({
  Statement: v.array(v.looseObject({ Principal: v.looseObject({ AWS: v.unknown() }), Action: v.unknown() })),
});
const read = async () => v.parse(readSchema, JSON.parse(await get()));

/** Arrays as sets, a scalar as an array of one. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(canonical).map((item) => JSON.stringify(item));
    return items.length === 1 ? canonical(value[0]) : items.sort();
  }
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, item]) => [key, canonical(item)]),
  );
}

/** Whether the caller may do all of this with the key. */
const decideUse = (caller: Caller, arn: string, actions: readonly string[], context?: Access['context']) =>
  kms
    .useAccess(caller, arn, actions, context)
    .map((access) => decide(caller, access))
    .find(({ allowed }) => !allowed) ?? { allowed: true };

describe('CreateKey', () => {
  it('gives the console policy by default', () => {
    expect(kms.keyPolicy(keyArn)).toEqual({ Version: '2012-10-17', Id: 'key-consolepolicy-3', Statement: [enableIam] });
  });
});

describe('PutKeyPolicy', () => {
  it('stores a policy that names an existing role', async () => {
    const policy = document(enableIam, use(createRole('subscriber')));
    await put(policy);
    expect(kms.keyPolicy(keyArn)).toEqual(policy);
  });

  it.each(['Disabled', 'PendingDeletion'] as const)(
    'succeeds on a key that is %s, as GetKeyPolicy does',
    async (state) => {
      const arn = `${keyArn.slice(0, -1)}2`;
      kms.createKey({ arn, tags: kms.tags(keyArn), state });
      await call('PutKeyPolicy', { KeyId: arn, Policy: JSON.stringify(document(enableIam)) });
      expect(await call('GetKeyPolicy', { KeyId: arn })).toMatchObject({ PolicyName: 'default' });
      expect(await call('DescribeKey', { KeyId: arn })).toMatchObject({
        KeyMetadata: { KeyState: state, Enabled: false },
      });
    },
  );

  it('keeps the last of two that were made of the same policy, and loses the grant of the other', async () => {
    const roles = [createRole('one'), createRole('other')];
    // Both have read the policy before either writes; there is no version that could tell.
    for (const [index, role] of roles.entries()) {
      await expect(put(document(enableIam, use(role, { Sid: `grant ${index}` })))).resolves.toEqual({});
    }
    expect(kms.keyPolicy(keyArn).Statement).toEqual([
      enableIam,
      use('arn:aws:iam::111111111111:role/other', { Sid: 'grant 1' }),
    ]);
  });

  it('does not see a role at once that IAM has already', async () => {
    iam.delayNewRoles(60_000);
    const subscriber = createRole('subscriber');
    const policy = document(enableIam, use(subscriber));
    expect(iam.role('subscriber')).toBeDefined();
    await expect(put(policy)).rejects.toMatchObject({
      code: 'MalformedPolicyDocumentException',
      message: invalidPrincipals,
    });
    clock.advance(60_000);
    await expect(put(policy)).resolves.toEqual({});
  });

  it('does not work across accounts, no more than GetKeyPolicy does', async () => {
    const foreign = { KeyId: keyArn.replace('111111111111', '222222222222') };
    const refusal = { code: 'AccessDeniedException' };
    await expect(call('PutKeyPolicy', { ...foreign, Policy: '{}' })).rejects.toMatchObject(refusal);
    await expect(call('GetKeyPolicy', foreign)).rejects.toMatchObject(refusal);
  });

  it('changes one replica of a multi-Region key, and not the other', async () => {
    const keyIn = (region: string) => `arn:aws:kms:${region}:111111111111:key/mrk-1234abcd12ab34cd56ef1234567890ab`;
    const elsewhere = createKms({ clock, iam, home: { ...account, region: 'eu-west-1' } });
    kms.createKey({ arn: keyIn('us-east-1'), tags: kms.tags(keyArn) });
    elsewhere.createKey({ arn: keyIn('eu-west-1'), tags: kms.tags(keyArn) });
    const policy = document(enableIam, use(createRole('subscriber')));
    await call('PutKeyPolicy', { KeyId: keyIn('us-east-1'), Policy: JSON.stringify(policy) });
    expect(kms.keyPolicy(keyIn('us-east-1'))).toEqual(policy);
    expect(elsewhere.keyPolicy(keyIn('eu-west-1')).Statement).toEqual([enableIam]);
  });

  it('refuses the whole policy for one principal that is not there yet', async () => {
    const subscriber = createRole('subscriber');
    const policy = document(enableIam, use([subscriber, 'arn:aws:iam::111111111111:role/unseen']));
    await expect(put(policy)).rejects.toMatchObject({
      code: 'MalformedPolicyDocumentException',
      message: invalidPrincipals,
    });
    expect(JSON.stringify(kms.keyPolicy(keyArn))).not.toContain(subscriber);
    createRole('unseen');
    await put(policy);
    expect(kms.keyPolicy(keyArn)).toEqual(policy);
  });

  it.each([
    ['a role in another case', 'arn:aws:iam::111111111111:role/Deployer'],
    ['a role of another account', 'arn:aws:iam::222222222222:role/deployer'],
    ['a unique id', 'AROAAAAAAAAAAAAAAAAAA'],
    ['a text', 'deployer'],
  ])('refuses %s as a principal', async (_name, principal) => {
    await expect(put(document(enableIam, use(principal)))).rejects.toThrow(invalidPrincipals);
  });

  it('refuses even the unique id of a role that exists', async () => {
    const id = iam.principalId(createRole('subscriber'));
    await expect(put(document(enableIam, use(id ?? '')))).rejects.toThrow(invalidPrincipals);
  });

  it.each([
    ['everyone', '*'],
    ['another account', 'arn:aws:iam::222222222222:root'],
    ['another account by id', '222222222222'],
  ])('accepts %s as a principal', async (_name, principal) => {
    await expect(put(document(enableIam, use(principal)))).resolves.toEqual({});
  });

  it.each([
    ['no JSON', '{"Version": '],
    ['no object', '[]'],
    ['no statements', JSON.stringify(document())],
    ['no action', JSON.stringify(document(enableIam, use(rootArn, { Action: undefined })))],
    ['two kinds of action', JSON.stringify(document(enableIam, use(rootArn, { NotAction: 'kms:X' })))],
    ['no resource', JSON.stringify(document(enableIam, use(rootArn, { Resource: undefined })))],
    ['the key as resource', JSON.stringify(document(enableIam, use(rootArn, { Resource: keyArn })))],
    ['more resources', JSON.stringify(document(enableIam, use(rootArn, { Resource: ['*', '*'] })))],
    ['an unknown effect', JSON.stringify(document(enableIam, use(rootArn, { Effect: 'allow' })))],
    ['no principal', JSON.stringify(document(enableIam, use(rootArn, { Principal: undefined })))],
    ['no principal of any type', JSON.stringify(document(enableIam, statement({ Principal: {} })))],
    ['no principal of a type', JSON.stringify(document(enableIam, statement({ Principal: { AWS: [] } })))],
    ['a list of principals', JSON.stringify(document(enableIam, statement({ Principal: [rootArn] })))],
    ['an unknown type of principal', JSON.stringify(document(enableIam, statement({ Principal: { Robot: 'x' } })))],
    ['two kinds of principal', JSON.stringify(document(enableIam, statement({ Effect: 'Deny', NotPrincipal: '*' })))],
    [
      'NotPrincipal that allows',
      JSON.stringify(document(enableIam, statement({ Principal: undefined, NotPrincipal: { AWS: rootArn } }))),
    ],
    ['an unknown element of a statement', JSON.stringify(document(enableIam, statement({ Comment: 'x' })))],
    ['an unknown element', JSON.stringify({ ...document(enableIam), Comment: 'x' })],
    [
      'an unknown operator',
      JSON.stringify(document(enableIam, statement({ Condition: { StringMatches: { 'aws:PrincipalArn': '*' } } }))),
    ],
    [
      'an unknown set qualifier',
      JSON.stringify(document(enableIam, statement({ Condition: { 'ForNoValue:StringLike': { a: '*' } } }))),
    ],
    ['a condition without keys', JSON.stringify(document(enableIam, statement({ Condition: { StringLike: 'x' } })))],
    ['an unknown version', JSON.stringify({ ...document(enableIam), Version: '2012-10-18' })],
    ['a duplicate Sid', JSON.stringify(document(enableIam, use(rootArn), use(rootArn)))],
    ['a Sid as number and text', JSON.stringify(document(enableIam, statement({ Sid: 1 }), statement({ Sid: '1' })))],
  ])('refuses %s', async (_name, policy) => {
    await expect(put(policy)).rejects.toMatchObject({ code: 'MalformedPolicyDocumentException' });
  });

  it('takes nothing that it could not evaluate, and goes on', async () => {
    const ofCaller = { StringEquals: { 'aws:ResourceAccount': '${aws:PrincipalAccount}' } };
    await expect(put(document(enableIam, statement({ Condition: ofCaller })))).rejects.toThrow(UnsupportedPolicy);
    expect(kms.keyPolicy(keyArn).Statement).toEqual([enableIam]);
    await expect(put(document(enableIam, use(rootArn)))).resolves.toEqual({});
  });

  it('refuses characters beyond U+00FF', async () => {
    await expect(put(document(enableIam, use(rootArn, { Sid: 'Grüße' })))).resolves.toEqual({});
    await expect(put(document(enableIam, use(rootArn, { Sid: 'Ω' })))).rejects.toMatchObject({
      code: 'ValidationException',
    });
  });

  it('takes 32,768 bytes, white space and all, and not one more', async () => {
    const policy = JSON.stringify(document(enableIam));
    await expect(put(policy.padEnd(32_768))).resolves.toEqual({});
    await expect(put(policy.padEnd(32_769))).rejects.toMatchObject({ code: 'LimitExceededException' });
  });

  it.each([
    ['drops the delegation', () => document(use(createRole('subscriber')))],
    ['grants the caller something else only', () => document(use(deployer.principalArn))],
    [
      'denies the caller',
      () => document(enableIam, use(deployer.principalArn, { Effect: 'Deny', Action: 'kms:PutKeyPolicy' })),
    ],
  ])('refuses a policy that %s', async (_name, policy) => {
    await expect(put(policy())).rejects.toMatchObject({ code: 'MalformedPolicyDocumentException', message: lockout });
    expect(kms.keyPolicy(keyArn).Statement).toEqual([enableIam]);
  });

  it('does not lock out a caller that the policy itself names', async () => {
    await expect(put(document(use(deployer.principalArn, { Action: 'kms:*' })))).resolves.toEqual({});
  });

  it('refuses to bypass the lockout check', async () => {
    const input = { KeyId: keyArn, Policy: JSON.stringify(document(enableIam)), BypassPolicyLockoutSafetyCheck: true };
    await expect(call('PutKeyPolicy', input)).rejects.toThrow('BypassPolicyLockoutSafetyCheck');
  });
});

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

describe('a role that is deleted', () => {
  let subscriber: string;
  let roleId: string;

  beforeEach(async () => {
    subscriber = createRole('subscriber');
    roleId = iam.principalId(subscriber) ?? 'none';
    await put(document(enableIam, use([deployer.principalArn, subscriber])));
    iam.deleteRole('subscriber');
  });

  it('stands in the policy as its unique id', async () => {
    const policy = await get();
    expect(policy).toContain(roleId);
    expect(policy).not.toContain(subscriber);
  });

  it('makes every later PutKeyPolicy fail that carries it', async () => {
    await expect(put(await get())).rejects.toThrow(invalidPrincipals);
  });

  it('does not get its access back by being made again', async () => {
    const caller = callerOf(createRole('subscriber'));
    expect(decideUse(caller, keyArn, ['kms:Decrypt']).allowed).toBe(false);
    expect(await get()).toContain(roleId);

    await put(document(enableIam, use([deployer.principalArn, subscriber])));
    expect(decideUse(caller, keyArn, ['kms:Decrypt']).allowed).toBe(true);
    expect(await get()).not.toContain(roleId);
  });
});

describe('GetKeyPolicy', () => {
  it('returns another order than was written, and the same policy', async () => {
    const roles = ['a', 'b', 'c'].map((name) => createRole(name));
    const written = document(enableIam, use(roles), { ...use(roles.slice(0, 1)), Sid: 'one' });
    await put(written);
    const [first, second] = [await read(), await read()];
    for (const { Statement } of [first, second]) {
      expect(Statement[1]?.Principal.AWS).not.toEqual(roles);
      expect(Statement[1]?.Action).not.toEqual(use(roles).Action);
      expect(Statement[2]?.Principal.AWS).toBe(roles[0]);
    }
    expect(canonical(first)).toEqual(canonical(written));
    expect(canonical(second)).toEqual(canonical(written));
    expect(second.Statement[1]?.Principal.AWS).not.toEqual(first.Statement[1]?.Principal.AWS);
  });

  it('shows an account that was written as an id by its root ARN', async () => {
    await put(document(enableIam, use('222222222222')));
    expect(await get()).toContain('arn:aws:iam::222222222222:root');
  });

  it('knows no policy but default', async () => {
    await expect(call('GetKeyPolicy', { KeyId: keyArn, PolicyName: 'other' })).rejects.toThrow('PolicyName');
  });
});

/** Lets no time pass but what the clock is turned forward. */
function stopTime() {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => void vi.useRealTimers());
}

describe('delayed reads', () => {
  stopTime();
  const oldest = () => 0;
  const sids = async () => (await read()).Statement.map(({ Sid }) => Sid);
  const putSids = (...names: string[]) => put(document(enableIam, ...names.map((Sid) => use(rootArn, { Sid }))));
  const root = 'Enable IAM User Permissions';

  it('tell any policy that was in force lately, and no other', async () => {
    let number = 0;
    kms.delayReads(60_000, () => number);
    await putSids('first');
    clock.advance(30_000);
    await putSids('second');
    const told = async () => {
      const all: unknown[] = [];
      for (number of [0, 0.34, 0.67, 1]) all.push((await sids()).at(-1));
      return all;
    };
    expect(await told()).toEqual([root, 'first', 'second', 'second']);
    clock.advance(29_999);
    expect(await told()).toEqual([root, 'first', 'second', 'second']);
    clock.advance(1);
    expect(await told()).toEqual(['first', 'first', 'second', 'second']);
    clock.advance(30_000);
    expect(await told()).toEqual(['second', 'second', 'second', 'second']);
  });

  it('choose by chance, change nothing of what is in force, and end', async () => {
    kms.delayReads(60_000);
    await putSids('first');
    const told = new Set<unknown>();
    for (let reads = 0; reads < 100; reads += 1) told.add((await sids()).at(-1));
    expect(told).toEqual(new Set([root, 'first']));
    expect(kms.keyPolicy(keyArn).Statement).toHaveLength(2);
    kms.delayReads(0, oldest);
    expect(await sids()).toEqual([root, 'first']);
  });

  it('are those of one key', async () => {
    const arn = `${keyArn.slice(0, -1)}2`;
    kms.createKey({ arn, tags: kms.tags(keyArn) });
    kms.delayReads(60_000, oldest);
    await call('PutKeyPolicy', { KeyId: arn, Policy: JSON.stringify(document(enableIam, use(rootArn))) });
    await putSids('first');
    await putSids('second');
    expect(await sids()).toEqual([root]);
  });

  it('tell an old policy as it would be told now', async () => {
    const subscriber = createRole('subscriber');
    const roleId = iam.principalId(subscriber);
    await put(document(enableIam, use([deployer.principalArn, subscriber])));
    await putSids('second');
    // The one between the first and the last.
    kms.delayReads(60_000, () => 0.5);
    expect(await get()).toContain(subscriber);
    iam.deleteRole('subscriber');
    createRole('subscriber');
    expect(await get()).toContain(roleId);
    expect(await get()).not.toContain(subscriber);
  });
});

describe('a limit of puts', () => {
  stopTime();
  const throttled = { code: 'ThrottlingException', message: 'Rate exceeded' };
  const named = (Sid: string) => document(enableIam, use(rootArn, { Sid }));

  it('refuses what is beyond it within a second, for all keys, before any effect', async () => {
    const arn = `${keyArn.slice(0, -1)}2`;
    kms.createKey({ arn, tags: kms.tags(keyArn) });
    const putOther = () => call('PutKeyPolicy', { KeyId: arn, Policy: JSON.stringify(named('other')) });
    await put(named('before'));
    kms.limitPuts(2);
    await put(named('first'));
    clock.advance(500);
    await putOther();
    await expect(put(named('second'))).rejects.toMatchObject(throttled);
    clock.advance(499);
    await expect(putOther()).rejects.toMatchObject(throttled);
    expect(kms.keyPolicy(keyArn)).toEqual(named('first'));
    expect(kms.policyWrites(arn)).toBe(1);
    clock.advance(1);
    await expect(put(named('second'))).resolves.toEqual({});
    await expect(put(named('third'))).rejects.toMatchObject(throttled);
  });

  it('counts what KMS refuses for something else, but not what it throttles', async () => {
    kms.limitPuts(1);
    await expect(put('{')).rejects.toMatchObject({ code: 'MalformedPolicyDocumentException' });
    clock.advance(900);
    await expect(put(named('first'))).rejects.toMatchObject(throttled);
    clock.advance(100);
    await expect(put(named('first'))).resolves.toEqual({});
  });

  it('is not there by default, nor when it is taken away, nor for reads', async () => {
    const burst = async () => {
      for (let count = 0; count < 50; count += 1) await put(named(String(count)));
    };
    await burst();
    kms.limitPuts(1);
    await put(named('one'));
    for (let count = 0; count < 5; count += 1) await get();
    kms.limitPuts(Number.POSITIVE_INFINITY);
    await burst();
    expect(kms.policyWrites(keyArn)).toBe(101);
  });
});

describe('CloudTrail', () => {
  const uuid = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const policy = `  ${JSON.stringify(document(enableIam), null, 2)}\n`;

  it('tells of PutKeyPolicy by the session of a role', async () => {
    const inTeam = iam.createRole({
      roleName: 'writer',
      path: '/team/',
      assumeRolePolicyDocument: document(),
      policies: [{ name: 'keys', document: document({ Effect: 'Allow', Action: 'kms:*', Resource: '*' }) }],
    });
    await call('PutKeyPolicy', { KeyId: keyId, PolicyName: 'default', Policy: policy }, callerOf(inTeam.arn));
    const [event, ...others] = events.published();
    expect(others).toEqual([]);
    expect(event).toEqual({
      version: '0',
      id: uuid,
      'detail-type': 'AWS API Call via CloudTrail',
      source: 'aws.kms',
      account: '111111111111',
      region: 'us-east-1',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      resources: [],
      detail: {
        eventVersion: '1.08',
        userIdentity: {
          type: 'AssumedRole',
          principalId: `${inTeam.roleId}:session`,
          arn: 'arn:aws:sts::111111111111:assumed-role/writer/session',
          accountId: '111111111111',
          sessionContext: {
            sessionIssuer: {
              type: 'Role',
              principalId: inTeam.roleId,
              arn: 'arn:aws:iam::111111111111:role/team/writer',
              accountId: '111111111111',
              userName: 'writer',
            },
          },
        },
        eventTime: event?.time,
        eventSource: 'kms.amazonaws.com',
        eventName: 'PutKeyPolicy',
        awsRegion: 'us-east-1',
        sourceIPAddress: '127.0.0.1',
        requestParameters: { keyId, policyName: 'default', policy, bypassPolicyLockoutSafetyCheck: false },
        responseElements: null,
        requestID: uuid,
        eventID: uuid,
        readOnly: false,
        resources: [{ accountId: '111111111111', type: 'AWS::KMS::Key', ARN: keyArn }],
        eventType: 'AwsApiCall',
        managementEvent: true,
        recipientAccountId: '111111111111',
        eventCategory: 'Management',
      },
    });
  });

  it('tells of PutKeyPolicy by a user, with the key as it was given', async () => {
    const allowed = document({ Effect: 'Allow', Action: 'kms:*', Resource: '*' });
    const user = iam.createUser({ userName: 'alice', policies: [{ name: 'keys', document: allowed }] });
    const caller = iam.caller(iam.credentials(user.arn, '').accessKeyId);
    await call('PutKeyPolicy', { KeyId: keyArn, Policy: policy }, caller);
    expect(events.published()).toMatchObject([
      {
        detail: {
          userIdentity: {
            type: 'IAMUser',
            principalId: user.userId,
            arn: user.arn,
            accountId: '111111111111',
            userName: 'alice',
          },
          requestParameters: { keyId: keyArn, policyName: 'default' },
        },
      },
    ]);
    expect(JSON.stringify(events.published())).not.toContain('sessionContext');
  });

  it('tells of each call that has an effect, and of no other', async () => {
    await expect(put('{')).rejects.toThrow();
    await expect(put(document(use(rootArn)))).rejects.toThrow(lockout);
    await get();
    expect(events.published()).toEqual([]);
    await put(policy);
    await put(policy);
    const ids = events.published().flatMap(({ id, detail }) => [id, ...Object.values(detail).filter(isUuid)]);
    expect(new Set(ids).size).toBe(6);
  });
});

const isUuid = (value: unknown) => typeof value === 'string' && /^[0-9a-f-]{36}$/.test(value);

it('policyWrites counts what took effect on the key', async () => {
  expect(kms.policyWrites(keyArn)).toBe(0);
  await put(document(enableIam));
  await expect(put('{')).rejects.toThrow();
  await expect(put(document(use(rootArn)))).rejects.toThrow(lockout);
  await put(document(enableIam));
  expect(kms.policyWrites(keyArn)).toBe(2);
  expect(() => kms.policyWrites(`${keyArn.slice(0, -1)}2`)).toThrow('does not exist');
});

describe('DescribeKey', () => {
  it('describes by id and by ARN what stands in the way of using a key', async () => {
    const arn = `${keyArn.slice(0, -1)}2`;
    kms.createKey({
      arn,
      tags: kms.tags(keyArn),
      state: 'Disabled',
      keySpec: 'RSA_2048',
      keyUsage: 'SIGN_VERIFY',
      keyManager: 'AWS',
    });
    expect(await call('DescribeKey', { KeyId: arn })).toMatchObject({
      KeyMetadata: {
        Arn: arn,
        Enabled: false,
        KeyState: 'Disabled',
        KeySpec: 'RSA_2048',
        KeyUsage: 'SIGN_VERIFY',
        KeyManager: 'AWS',
      },
    });
    expect(await call('DescribeKey', { KeyId: keyId })).toMatchObject({
      KeyMetadata: {
        AWSAccountId: account.accountId,
        KeyId: keyId,
        Arn: keyArn,
        Enabled: true,
        KeyState: 'Enabled',
        KeySpec: 'SYMMETRIC_DEFAULT',
        KeyUsage: 'ENCRYPT_DECRYPT',
        KeyManager: 'CUSTOMER',
        CreationDate: expect.any(Date),
      },
    });
  });

  it.each([
    ['another key', keyArn.replace('aaaa', 'bbbb')],
    ['another Region', keyArn.replace('us-east-1', 'eu-west-1')],
    ['an alias', 'alias/artifacts'],
    ['an alias ARN', 'arn:aws:kms:us-east-1:111111111111:alias/artifacts'],
    ['a text', 'key'],
  ])('does not find %s', async (_name, KeyId) => {
    await expect(call('DescribeKey', { KeyId })).rejects.toMatchObject({ code: 'NotFoundException' });
  });
});

describe('access', () => {
  it('depends on the tags of the key', async () => {
    const arn = `${keyArn.slice(0, -1)}2`;
    kms.createKey({ arn, tags: { 'infinstor-onboarding': 'forbidden' } });
    await expect(call('GetKeyPolicy', { KeyId: arn })).rejects.toMatchObject({ code: 'AccessDeniedException' });
    expect(await call('ListResourceTags', { KeyId: keyArn })).toEqual({
      Tags: [{ TagKey: 'infinstor-onboarding', TagValue: 'allowed' }],
      Truncated: false,
    });
  });

  it('needs both sides of the delegation to use a key', () => {
    const caller = callerOf(createRole('service', document({ Effect: 'Allow', Action: 'kms:Enc*', Resource: keyArn })));
    expect(decideUse(caller, keyArn, ['kms:Encrypt'])).toEqual({ allowed: true });
    expect(decideUse(caller, keyArn, ['kms:Encrypt', 'kms:CreateGrant'])).toEqual({
      allowed: false,
      reason: 'because no identity-based policy allows the kms:CreateGrant action',
    });
  });

  it('knows nothing of grants in calls that are not about them', async () => {
    const subscriber = createRole('subscriber');
    const forResource = { Bool: { 'kms:GrantIsForAWSResource': 'true' } };
    await put(document(enableIam, use(subscriber, { Action: 'kms:*', Condition: forResource })));
    const caller = callerOf(subscriber);
    expect(decideUse(caller, keyArn, ['kms:RevokeGrant']).allowed).toBe(true);
    expect(decideUse(caller, keyArn, ['kms:Decrypt']).allowed).toBe(false);
  });

  it('counts a grant that a service asks for as one for an AWS resource', async () => {
    const subscriber = createRole('subscriber');
    const grants = use(subscriber, {
      Action: 'kms:CreateGrant',
      Condition: { Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    });
    await put(document(enableIam, grants));
    expect(decideUse(callerOf(subscriber), keyArn, ['kms:CreateGrant']).allowed).toBe(true);
  });

  it('refuses the use of a disabled or missing key', () => {
    const arn = `${keyArn.slice(0, -1)}2`;
    const caller = callerOf(createRole('service', document({ Effect: 'Allow', Action: 'kms:*', Resource: '*' })));
    expect(() => decideUse(caller, arn, ['kms:Encrypt'])).toThrow('does not exist');
    kms.createKey({ arn, tags: {}, state: 'Disabled' });
    expect(() => decideUse(caller, arn, ['kms:Encrypt'])).toThrow('disabled');
  });
});
