import { beforeEach, describe, expect, it } from 'vitest';
import { account } from '../../../../../sandbox/core/account.ts';
import { UnsupportedPolicy } from '../../../../../sandbox/core/policies/policy-document.ts';
import { createKms } from '../../../../../sandbox/services/kms/service.ts';
import {
  call,
  callerOf,
  clock,
  createRole,
  decideUse,
  deployer,
  document,
  enableIam,
  iam,
  invalidPrincipals,
  keyArn,
  kms,
  lockout,
  put,
  rootArn,
  setUp,
  statement,
  use,
} from './kms-fixture.ts';

beforeEach(setUp);

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
    ['two kinds of action', JSON.stringify(document(enableIam, use(rootArn, { NotAction: 'kms:X' })))],
    [
      'a resource of another service',
      JSON.stringify(document(enableIam, use(rootArn, { Resource: 'arn:aws:s3:::a' }))),
    ],
    ['no resource in a list', JSON.stringify(document(enableIam, use(rootArn, { Resource: [] })))],
    [
      'an unknown operator without action',
      JSON.stringify(document(enableIam, statement({ Action: undefined, Condition: { StringMatches: { a: '*' } } }))),
    ],
    [
      'an unseen principal without action',
      JSON.stringify(document(enableIam, use('arn:aws:iam::111111111111:role/unseen', { Action: undefined }))),
    ],
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

  it.each([
    ['Action', { Action: undefined }],
    ['Resource', { Resource: undefined }],
    ['both', { Action: undefined, Resource: undefined }],
  ])('takes a statement without %s, keeps it and ignores it', async (_name, without) => {
    const subscriber = createRole('subscriber');
    const policy = document(enableIam, use(subscriber, without));
    await put(policy);
    expect(kms.keyPolicy(keyArn)).toEqual(JSON.parse(JSON.stringify(policy)));
    expect(decideUse(callerOf(subscriber), keyArn, ['kms:Decrypt']).allowed).toBe(false);
    const denied = document(enableIam, use(rootArn, { Effect: 'Deny', Principal: '*', ...without }));
    await expect(put(denied)).resolves.toEqual({});
    // The lockout check does not count it either.
    await expect(put(document(use(rootArn, { Action: 'kms:*', ...without })))).rejects.toThrow(lockout);
  });

  it.each([
    ['its own ARN', () => keyArn, true],
    ['its own ARN among others', () => ['arn:aws:kms:us-east-1:111111111111:key/other', keyArn], true],
    ['all keys of the account', () => 'arn:aws:kms:us-east-1:111111111111:key/*', true],
    ["another key's ARN", () => 'arn:aws:kms:us-east-1:111111111111:key/other', false],
  ])('takes %s as the resource', async (_name, resource, allowed) => {
    const subscriber = createRole('subscriber');
    await put(document(enableIam, use(subscriber, { Resource: resource() })));
    expect(decideUse(callerOf(subscriber), keyArn, ['kms:Decrypt']).allowed).toBe(allowed);
  });

  it('takes several empty Sids', async () => {
    const policy = document({ ...enableIam, Sid: '' }, use(rootArn, { Sid: '' }), use(rootArn, { Sid: '' }));
    await put(policy);
    expect(kms.keyPolicy(keyArn)).toEqual(policy);
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
