import * as v from 'valibot';
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

let owners = 0;
/** Somebody who may do anything with the key, or what the statement says in place of that. */
function owner(statement: object = {}) {
  owners += 1;
  const policy = document({ Effect: 'Allow', Action: 'kms:*', Resource: '*', ...statement });
  return callerOf(createRole(`owner-${owners}`, policy));
}
const tag = (TagKey: string, TagValue: string) => ({ TagKey, TagValue });
const tagsOf = async (KeyId: string) =>
  v.parse(v.object({ Tags: v.array(v.unknown()) }), await call('ListResourceTags', { KeyId }, owner())).Tags;

describe('TagResource and UntagResource', () => {
  // As recorded in AWS: github.com/localstack/localstack, tests/aws/services/kms/test_kms.snapshot.json
  it('add tags, change them, and take them away, also such as are not there', async () => {
    const by = owner();
    await call('TagResource', { KeyId: keyId, Tags: [tag('tag1', 'value1'), tag('tag2', 'value2')] }, by);
    await call('TagResource', { KeyId: keyArn, Tags: [tag('tag3', ''), tag('tag2', 'changed')] }, by);
    const first = tag('infinstor-onboarding', 'allowed');
    expect(await tagsOf(keyArn)).toEqual([first, tag('tag1', 'value1'), tag('tag2', 'changed'), tag('tag3', '')]);
    expect(await call('UntagResource', { KeyId: keyId, TagKeys: ['tag1', 'tag3', 'none'] }, by)).toEqual({});
    expect(await tagsOf(keyArn)).toEqual([first, tag('tag2', 'changed')]);
  });

  it('decide immediately whose key it is', async () => {
    await call('TagResource', { KeyId: keyId, Tags: [tag('infinstor-onboarding', 'nobody')] }, owner());
    await expect(call('GetKeyPolicy', { KeyId: keyArn })).rejects.toMatchObject({ code: 'AccessDeniedException' });
    await call('UntagResource', { KeyId: keyId, TagKeys: ['infinstor-onboarding'] }, owner());
    expect(kms.tags(keyArn)).toEqual({});
  });

  it.each([
    ['the same key twice', [tag('a', '1'), tag('a', '2')], 'TagException', 'Duplicate tag keys'],
    ["AWS's own", [tag('aws:key1', '1')], 'TagException', 'Tags beginning with aws: are reserved'],
    ["AWS's own in capitals", [tag('AWS:key1', '1')], 'TagException', 'Tags beginning with aws: are reserved'],
    ['more than fifty', Array.from({ length: 51 }, (_, n) => tag(`k${n}`, '')), 'TagException', 'Too many tags'],
    ['other characters', [tag('a', '*')], 'TagException', 'Invalid tag'],
  ])('refuse %s, as CreateKey does', async (_, Tags, code, message) => {
    await expect(call('TagResource', { KeyId: keyArn, Tags }, owner())).rejects.toMatchObject({ code, message });
    await expect(call('CreateKey', { Tags }, owner())).rejects.toMatchObject({ code, message });
    expect(await tagsOf(keyArn)).toEqual([tag('infinstor-onboarding', 'allowed')]);
  });

  it('count the tags that a key has already', async () => {
    const Tags = Array.from({ length: 49 }, (_, n) => tag(`k${n}`, ''));
    await call('TagResource', { KeyId: keyArn, Tags }, owner());
    await call('TagResource', { KeyId: keyArn, Tags: [tag('k1', 'changed')] }, owner());
    await expect(call('TagResource', { KeyId: keyArn, Tags: [tag('one more', '')] }, owner())).rejects.toMatchObject({
      message: 'Too many tags',
    });
  });

  it.each([
    ['a key of 129 characters', tag('k'.repeat(129), '')],
    ['an empty key', tag('', '')],
    ['a value of 257 characters', tag('k', 'v'.repeat(257))],
  ])('refuse %s before anything else', async (_, wrong) => {
    for (const [operation, input] of [
      ['TagResource', { KeyId: keyArn, Tags: [wrong] }],
      ['CreateKey', { Tags: [wrong] }],
    ] as const) {
      await expect(call(operation, input, owner())).rejects.toThrow(
        /at 'tag(s.1.member.tag(Key|Value)|Keys.1.member)' failed to satisfy constraint/,
      );
    }
  });

  it('refuse a key that is pending deletion, and take a disabled one', async () => {
    await call('DisableKey', { KeyId: keyArn }, owner());
    await call('TagResource', { KeyId: keyArn, Tags: [tag('a', '1')] }, owner());
    await call('ScheduleKeyDeletion', { KeyId: keyArn }, owner());
    const refused = { code: 'KMSInvalidStateException' };
    const Tags = [tag('a', '2')];
    await expect(call('TagResource', { KeyId: keyArn, Tags }, owner())).rejects.toMatchObject(refused);
    await expect(call('UntagResource', { KeyId: keyArn, TagKeys: ['a'] }, owner())).rejects.toMatchObject(refused);
  });

  it('ask IAM for the tags, by key and by value, and for the key as it is', async () => {
    const Condition = {
      StringEquals: { 'aws:RequestTag/team': 'red', 'aws:ResourceTag/infinstor-onboarding': 'allowed' },
      'ForAllValues:StringEquals': { 'aws:TagKeys': ['team', 'stage'] },
    };
    const by = owner({ Action: 'kms:TagResource', Condition });
    await call('TagResource', { KeyId: keyArn, Tags: [tag('team', 'red'), tag('stage', 'x')] }, by);
    const denied = { code: 'AccessDeniedException' };
    for (const Tags of [[tag('team', 'blue')], [tag('team', 'red'), tag('infinstor-onboarding', 'x')]]) {
      await expect(call('TagResource', { KeyId: keyArn, Tags }, by)).rejects.toMatchObject(denied);
    }
    await expect(call('UntagResource', { KeyId: keyArn, TagKeys: ['team'] }, by)).rejects.toMatchObject(denied);
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
