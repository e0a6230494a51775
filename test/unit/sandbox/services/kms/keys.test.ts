import { beforeEach, describe, expect, it } from 'vitest';
import {
  call,
  callerOf,
  createRole,
  decideUse,
  document,
  enableIam,
  keyArn,
  keyId,
  kms,
  put,
  setUp,
  use,
} from './kms-fixture.ts';

beforeEach(setUp);

describe('CreateKey', () => {
  it('gives the console policy by default', () => {
    expect(kms.keyPolicy(keyArn)).toEqual({ Version: '2012-10-17', Id: 'key-consolepolicy-3', Statement: [enableIam] });
  });
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
        AWSAccountId: '111111111111',
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

describe('the tags of a key', () => {
  let made = 0;
  const withTag = (name: string, value: string) => {
    made += 1;
    const arn = keyArn.replace(/.{12}$/, String(made).padStart(12, '7'));
    kms.createKey({ arn, tags: { [name]: value } });
    return kms.tags(arn);
  };

  it.each([
    ['owner', 'acme beta-'],
    ['Besitzer', 'Zürich: a.b/c=d+e-f_g@h'],
    ['k'.repeat(128), ''],
    ['k', 'v'.repeat(256)],
  ])('may be %s: %s', (name, value) => {
    expect(withTag(name, value)).toEqual({ [name]: value });
  });

  it.each([
    ['owner', 'acme beta-*'],
    ['owner', 'R&D'],
    ['owner', 'a,b'],
    ['own*er', 'a'],
    ['aws:owner', 'a'],
    ['', 'a'],
    ['k'.repeat(129), 'a'],
    ['k', 'v'.repeat(257)],
  ])('may not be %s: %s', (name, value) => {
    expect(() => withTag(name, value)).toThrow(expect.objectContaining({ code: 'TagException' }));
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
