import * as v from 'valibot';
import { answered, call, fact, type Recordings, refused } from '../fact.ts';

const key = {
  AWSAccountId: '111111111111',
  Arn: 'arn:aws:kms:<region>:111111111111:key/$id',
  CreationDate: '(date)',
  CurrentKeyMaterialId: '<id>',
  CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
  Description: 'test key 123',
  Enabled: true,
  EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
  KeyId: '$id',
  KeyManager: 'CUSTOMER',
  KeySpec: 'SYMMETRIC_DEFAULT',
  KeyState: 'Enabled',
  KeyUsage: 'ENCRYPT_DECRYPT',
  MultiRegion: false,
  Origin: 'AWS_KMS',
};
const keep = { id: 'KeyMetadata.KeyId', arn: 'KeyMetadata.Arn' };
const newKey = { Description: 'test key 123', KeyUsage: 'ENCRYPT_DECRYPT' };
const tags = (...names: readonly string[]) =>
  names.map((name) => ({ TagKey: name, TagValue: name.replace('tag', 'value') }));
const absent = '3e5ed1a2-5c4a-4f2e-9d35-3d8f5a5c0b11';
const reserved = refused('TagException', 'Tags beginning with aws: are reserved');
const tooLong = (value: string, member: string, most: number) =>
  refused(
    'ValidationException',
    `1 validation error detected: Value '${value}' at 'tags.1.member.${member}' failed to satisfy constraint: Member must have length less than or equal to ${most}`,
  );
const noMember = (value: string, member: string) =>
  refused(
    'ValidationException',
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must satisfy enum value set: [<values>]`,
  );

/** What a test asserts of a key, and no recording has in full. */
const described = (key: string, expected: object, names = ['Enabled', 'KeyState']) =>
  fact(key, 'DescribeKey', { KeyId: '$id' }, answered(expected), {
    pick: (answer) => membersOf(v.parse(v.object({ KeyMetadata: v.looseObject({}) }), answer).KeyMetadata, names),
  });
const membersOf = (value: Readonly<Record<string, unknown>>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, value[name]]));
const tagsAre = (key: string, Tags: readonly object[]) =>
  fact(key, 'ListResourceTags', { KeyId: '$id' }, answered({ Tags, Truncated: false }));
const inPython = 'kms/test_kms.py';
const statement = (Sid: string, Action: string) => ({
  Sid,
  Effect: 'Allow',
  Principal: { AWS: 'arn:aws:iam::111111111111:root' },
  Action,
  Resource: '*',
});
const policy = (action: string) =>
  JSON.stringify({ Version: '2012-10-17', Statement: [statement('All', 'kms:*'), statement('More', action)] });
const isPolicy = (key: string, action: string) =>
  fact(key, 'GetKeyPolicy', { KeyId: '$id', PolicyName: 'default' }, answered(statementsOf(policy(action))), {
    pick: (answer) => statementsOf(v.parse(v.object({ Policy: v.string() }), answer).Policy),
  });
const statementsOf = (text: string) =>
  v.parse(v.object({ Statement: v.array(v.looseObject({})) }), JSON.parse(text)).Statement;

const invalidTag = (name: string, TagKey: string, expected = reserved) => ({
  test: `TestKMS::test_create_key_with_invalid_tag_key[${name}]`,
  date: '2025-01-22',
  steps: [fact('invalid-tag-key', 'CreateKey', { ...newKey, Tags: [{ TagKey, TagValue: 'value1' }] }, expected)],
});

export const kms: Recordings = {
  service: 'kms',
  file: 'kms/test_kms.snapshot.json',
  tests: [
    {
      test: 'TestKMS::test_create_key',
      date: '2025-11-10',
      steps: [
        call('CreateKey', newKey, { keep }),
        fact('describe-key', 'DescribeKey', { KeyId: '$id' }, answered({ KeyMetadata: key })),
      ],
    },
    {
      test: 'TestKMS::test_get_key_in_different_region',
      date: '2025-11-10',
      steps: [
        call('CreateKey', newKey, { keep, region: 'eu-west-1' }),
        fact(
          'describe-key-diff-region-with-id',
          'DescribeKey',
          { KeyId: '$id' },
          refused('NotFoundException', "Key 'arn:aws:kms:us-east-1:111111111111:key/$id' does not exist"),
        ),
        fact(
          'describe-key-diff-region-with-arn',
          'DescribeKey',
          { KeyId: '$arn' },
          refused('NotFoundException', 'Invalid arn eu-west-1'),
        ),
        ...['$id', '$arn'].map((KeyId) =>
          fact(
            `describe-key-same-specific-region-with-${KeyId.slice(1)}`,
            'DescribeKey',
            { KeyId },
            answered({ KeyMetadata: key }),
            { region: 'eu-west-1' },
          ),
        ),
      ],
    },
    {
      test: 'TestKMS::test_get_key_does_not_exist',
      date: '2025-09-08',
      steps: [
        ['describe-nonexistent-key-with-id', absent],
        ['describe-nonexistent-with-arn', `arn:aws:kms:us-east-1:111111111111:key/${absent}`],
        ['describe-key-with-valid-id-mrk', 'mrk-3e5ed1a25c4a4f2e9d353d8f5a5c0b11'],
      ].map(([name = '', KeyId = '']) =>
        fact(
          name,
          'DescribeKey',
          { KeyId },
          refused(
            'NotFoundException',
            `Key 'arn:aws:kms:us-east-1:111111111111:key/${KeyId.replace(/^arn.*\//, '')}' does not exist`,
          ),
        ),
      ),
    },
    {
      test: 'TestKMS::test_get_key_invalid_uuid',
      date: '2024-04-11',
      steps: [
        ['describe-key-with-invalid-uuid', 'fake-key-id'],
        ['describe-key-with-invalid-uuid-2', '134f2428cec14b25a1ae9048164dba47'],
        ['describe-key-with-invalid-uuid-mrk', 'mrk-fake-key-id'],
      ].map(([name = '', KeyId]) =>
        fact(name, 'DescribeKey', { KeyId }, refused('NotFoundException', `Invalid keyId '${KeyId}'`)),
      ),
    },
    {
      test: 'TestKMS::test_hmac_create_key_invalid_operations',
      date: '2023-04-13',
      steps: [
        fact(
          'create-hmac-key-without-key-usage',
          'CreateKey',
          { KeySpec: 'HMAC_256' },
          refused(
            'ValidationException',
            'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
          ),
        ),
        fact(
          'create-hmac-key-invalid-spec',
          'CreateKey',
          { KeySpec: 'HMAC_random' },
          noMember('HMAC_random', 'keySpec'),
        ),
        fact(
          'create-hmac-key-invalid-key-usage',
          'CreateKey',
          { KeySpec: 'HMAC_256', KeyUsage: 'RANDOM' },
          noMember('RANDOM', 'keyUsage'),
        ),
      ],
    },
    {
      test: 'TestKMS::test_create_key_with_tag_and_untag',
      date: '2025-01-10',
      steps: [
        call('CreateKey', { ...newKey, Tags: tags('tag1', 'tag2') }, { keep }),
        fact(
          'list-resource-tags',
          'ListResourceTags',
          { KeyId: '$id' },
          answered({ Tags: tags('tag1', 'tag2'), Truncated: false }),
        ),
      ],
    },
    {
      test: 'TestKMS::test_create_key_with_too_many_tags_raises_error',
      date: '2025-01-21',
      steps: [
        fact(
          'invalid-tag-key',
          'CreateKey',
          { ...newKey, Tags: tags(...Array.from({ length: 51 }, (_, index) => `tag${index}`)) },
          refused('TagException', 'Too many tags'),
        ),
      ],
    },
    {
      test: 'TestKMS::test_key_with_long_tag_value_raises_error',
      date: '2025-01-21',
      steps: [
        fact(
          'too-long-tag-value',
          'CreateKey',
          { ...newKey, Tags: [{ TagKey: 'tag1', TagValue: 'v'.repeat(257) }] },
          tooLong('v'.repeat(257), 'tagValue', 256),
        ),
      ],
    },
    {
      test: 'TestKMS::test_tag_existing_key_and_untag',
      date: '2025-01-10',
      steps: [
        call('CreateKey', newKey, { keep }),
        fact('tag', 'TagResource', { KeyId: '$id', Tags: tags('tag1', 'tag2') }, answered({})),
        tagsAre('list-resource-tags', tags('tag1', 'tag2')),
        fact('untag', 'UntagResource', { KeyId: '$id', TagKeys: ['tag1', 'tag2'] }, answered({})),
        tagsAre('list-resource-tags-after-all-untagged', []),
      ],
    },
    {
      test: 'TestKMS::test_untag_key_partially',
      date: '2025-01-10',
      steps: [
        call('CreateKey', { ...newKey, Tags: tags('tag1', 'tag2', 'tag3') }, { keep }),
        tagsAre('list-resource-tags', tags('tag1', 'tag2', 'tag3')),
        call('UntagResource', { KeyId: '$id', TagKeys: ['tag2'] }),
        tagsAre('list-resource-tags-after-partially-untagged', tags('tag1', 'tag3')),
      ],
    },
    {
      test: 'TestKMS::test_update_and_add_tags_on_tagged_key',
      date: '2025-01-17',
      steps: [
        call('CreateKey', { ...newKey, Tags: tags('tag1', 'tag2', 'tag3') }, { keep }),
        call('TagResource', {
          KeyId: '$id',
          Tags: [{ TagKey: 'tag2', TagValue: 'updated_value2' }, ...tags('tag4', 'tag5')],
        }),
        tagsAre('list-resource-tags-after-tags-updated', [
          ...tags('tag1'),
          { TagKey: 'tag2', TagValue: 'updated_value2' },
          ...tags('tag3', 'tag4', 'tag5'),
        ]),
      ],
    },
    {
      test: 'TestKMS::test_tag_key_with_duplicate_tag_keys_raises_error',
      date: '2025-01-17',
      steps: [
        call('CreateKey', newKey, { keep }),
        fact(
          'duplicate-tag-keys',
          'TagResource',
          { KeyId: '$id', Tags: tags('tag1', 'tag1') },
          refused('TagException', 'Duplicate tag keys'),
        ),
      ],
    },
    {
      test: 'TestKMS::test_tag_existing_key_with_invalid_tag_key',
      date: '2025-01-21',
      steps: [
        call('CreateKey', newKey, { keep }),
        fact(
          'invalid-tag-key',
          'TagResource',
          { KeyId: '$id', Tags: [{ TagKey: 'aws:key1', TagValue: 'value1' }] },
          reserved,
        ),
      ],
    },
    {
      test: 'TestKMS::test_disable_and_enable_key',
      file: inPython,
      date: '2024-04-11',
      steps: [
        call('CreateKey', newKey, { keep }),
        fact('disable', 'DisableKey', { KeyId: '$id' }, answered({})),
        described('disabled', { Enabled: false, KeyState: 'Disabled' }),
        fact('enable', 'EnableKey', { KeyId: '$id' }, answered({})),
        described('enabled', { Enabled: true, KeyState: 'Enabled' }),
      ],
    },
    {
      test: 'TestKMS::test_schedule_and_cancel_key_deletion',
      file: inPython,
      date: '2024-04-11',
      steps: [
        call('CreateKey', newKey, { keep }),
        call('ScheduleKeyDeletion', { KeyId: '$id' }),
        described('scheduled', { Enabled: false, KeyState: 'PendingDeletion', DeletionDate: '(date)' }, [
          'Enabled',
          'KeyState',
          'DeletionDate',
        ]),
      ],
    },
    {
      test: 'TestKMS::test_cant_delete_deleted_key',
      file: inPython,
      date: '2024-04-11',
      steps: [
        call('CreateKey', newKey, { keep }),
        call('ScheduleKeyDeletion', { KeyId: '$id' }),
        fact('again', 'ScheduleKeyDeletion', { KeyId: '$id' }, refused('KMSInvalidStateException', '<message>')),
      ],
    },
    {
      test: 'TestKMS::test_list_keys',
      file: inPython,
      date: '2024-04-11',
      steps: [
        call('CreateKey', newKey, { keep }),
        fact('created', 'ListKeys', { Limit: 1000 }, answered({ KeyArn: '$arn', KeyId: '$id' }), {
          pick: (answer) => v.parse(v.object({ Keys: v.array(v.looseObject({})) }), answer).Keys.at(-1),
        }),
      ],
    },
    {
      test: 'TestKMS::test_get_put_list_key_policies',
      file: inPython,
      date: '2024-04-11',
      steps: [
        call('CreateKey', { ...newKey, Policy: policy('kms:ListAliases') }, { keep }),
        isPolicy('first', 'kms:ListAliases'),
        fact(
          'put',
          'PutKeyPolicy',
          { KeyId: '$id', PolicyName: 'default', Policy: policy('kms:ListGrants') },
          answered({}),
        ),
        isPolicy('second', 'kms:ListGrants'),
      ],
    },
    invalidTag('lowercase_prefix', 'aws:key1'),
    invalidTag('uppercase_prefix', 'AWS:key1'),
    invalidTag('too_long_key', 'a'.repeat(129), tooLong('a'.repeat(129), 'tagKey', 128)),
  ],
};
