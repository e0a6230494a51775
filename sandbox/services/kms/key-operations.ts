import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { Clock } from '../../core/clock.ts';
import { AwsError, operation } from '../../core/operation.ts';
import { KeyId, onKey, Policy } from './key-inputs.ts';
import type { Key, KeyStore } from './key-store.ts';
import { requestTags, requireTags, TagKeys, TagList, tagsOf } from './tags.ts';

const day = 24 * 60 * 60 * 1000;
/** Below AWS's page of 100: a client that does not follow NextMarker is found out. */
const pageSize = 10;

const keySpecs = [
  ...['SYMMETRIC_DEFAULT', 'RSA_2048', 'RSA_3072', 'RSA_4096', 'SM2'],
  ...['ECC_NIST_P256', 'ECC_NIST_P384', 'ECC_NIST_P521', 'ECC_SECG_P256K1', 'ECC_NIST_EDWARDS25519'],
  ...['HMAC_224', 'HMAC_256', 'HMAC_384', 'HMAC_512'],
  ...['ML_DSA_44', 'ML_DSA_65', 'ML_DSA_87'],
] as const;

interface Parts {
  clock: Pick<Clock, 'now'>;
  store: KeyStore;
  accountId: string;
}

/** The operations on keys, but for those on their policies: https://docs.aws.amazon.com/kms/latest/APIReference/ */
export function keyOperations({ clock, store, accountId }: Parts) {
  const setState = (name: string, state: 'Enabled' | 'Disabled') =>
    operation(v.strictObject({ KeyId }), {
      access: onKey(store, name),
      run(input) {
        store.usable(input.KeyId).state = state;
        return {};
      },
    });

  return {
    CreateKey: operation(
      v.strictObject({
        Policy: v.optional(Policy),
        Description: v.optional(v.pipe(v.string(), v.maxLength(8192)), ''),
        KeyUsage: v.optional(v.picklist(['ENCRYPT_DECRYPT', 'SIGN_VERIFY', 'GENERATE_VERIFY_MAC', 'KEY_AGREEMENT'])),
        KeySpec: v.optional(v.picklist(keySpecs), 'SYMMETRIC_DEFAULT'),
        Tags: v.optional(TagList, []),
      }),
      {
        access({ Tags }) {
          const context = { ...requestTags(Tags), 'kms:CallerAccount': accountId };
          const actions = ['kms:CreateKey', ...(Tags.length > 0 ? ['kms:TagResource'] : [])];
          return actions.map((action) => ({ action, resource: '*', context }));
        },
        run({ Policy: policy, Description: description, KeyUsage, KeySpec, Tags }, caller) {
          requireSymmetric(KeySpec, KeyUsage);
          const arn = store.arnOf(randomUUID());
          const tags = tagsOf(Tags);
          return { KeyMetadata: keyMetadata(store.add({ arn, tags, description, policy }, caller)) };
        },
      },
    ),

    ListKeys: operation(
      v.strictObject({
        Limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)), pageSize),
        Marker: v.optional(v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number)), '0'),
      }),
      {
        access: () => [{ action: 'kms:ListKeys', resource: '*' }],
        run({ Limit, Marker }) {
          const all = store.all();
          const end = Marker + Limit;
          return {
            Keys: all.slice(Marker, end).map(({ keyId, arn }) => ({ KeyId: keyId, KeyArn: arn })),
            Truncated: end < all.length,
            ...(end < all.length && { NextMarker: String(end) }),
          };
        },
      },
    ),

    EnableKey: setState('EnableKey', 'Enabled'),
    DisableKey: setState('DisableKey', 'Disabled'),

    ScheduleKeyDeletion: operation(
      v.strictObject({
        KeyId,
        PendingWindowInDays: v.optional(v.pipe(v.number(), v.integer(), v.minValue(7), v.maxValue(30)), 30),
      }),
      {
        access: onKey(store, 'ScheduleKeyDeletion'),
        run({ KeyId: keyId, PendingWindowInDays }) {
          const key = store.usable(keyId);
          key.state = 'PendingDeletion';
          key.deletionDate = clock.now() + PendingWindowInDays * day;
          const DeletionDate = new Date(key.deletionDate);
          return { KeyId: key.arn, DeletionDate, KeyState: key.state, PendingWindowInDays };
        },
      },
    ),

    DescribeKey: operation(v.strictObject({ KeyId }), {
      access: onKey(store, 'DescribeKey'),
      run: (input) => ({ KeyMetadata: keyMetadata(store.find(input.KeyId)) }),
    }),

    TagResource: operation(v.strictObject({ KeyId, Tags: TagList }), {
      access: ({ KeyId: keyId, Tags }, caller) => [
        store.accessTo(store.find(keyId), 'kms:TagResource', caller, requestTags(Tags)),
      ],
      run({ KeyId: keyId, Tags }) {
        const key = store.usable(keyId);
        const tags = { ...key.tags, ...tagsOf(Tags) };
        requireTags(tags);
        key.tags = tags;
        return {};
      },
    }),

    UntagResource: operation(v.strictObject({ KeyId, TagKeys }), {
      access: ({ KeyId: keyId, TagKeys: names }, caller) => [
        store.accessTo(store.find(keyId), 'kms:UntagResource', caller, { 'aws:TagKeys': names }),
      ],
      run({ KeyId: keyId, TagKeys: names }) {
        const key = store.usable(keyId);
        key.tags = Object.fromEntries(Object.entries(key.tags).filter(([name]) => !names.includes(name)));
        return {};
      },
    }),

    ListResourceTags: operation(v.strictObject({ KeyId }), {
      access: onKey(store, 'ListResourceTags'),
      run(input) {
        const tags = Object.entries(store.find(input.KeyId).tags);
        return { Tags: tags.map(([TagKey, TagValue]) => ({ TagKey, TagValue })), Truncated: false };
      },
    }),
  };
}

/** The sandbox has no other keys. @throws AwsError ValidationException */
function requireSymmetric(keySpec: (typeof keySpecs)[number], keyUsage: string | undefined): void {
  if (keySpec !== 'SYMMETRIC_DEFAULT' && keyUsage === undefined) {
    throw new AwsError(
      'ValidationException',
      'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.',
    );
  }
  if (keySpec === 'SYMMETRIC_DEFAULT' && (keyUsage ?? 'ENCRYPT_DECRYPT') === 'ENCRYPT_DECRYPT') return;
  throw new AwsError('ValidationException', `The sandbox does not have keys of ${keySpec} for ${keyUsage}`);
}

function keyMetadata(key: Key) {
  const { arn, keyId, creationDate, deletionDate, description, state, keySpec, keyUsage, keyManager } = key;
  return {
    AWSAccountId: arn.split(':')[4],
    KeyId: keyId,
    Arn: arn,
    CreationDate: creationDate,
    Enabled: state === 'Enabled',
    Description: description,
    KeyUsage: keyUsage,
    KeyState: state,
    ...(deletionDate !== undefined && { DeletionDate: new Date(deletionDate) }),
    Origin: 'AWS_KMS',
    KeyManager: keyManager,
    CustomerMasterKeySpec: keySpec,
    KeySpec: keySpec,
    ...(keySpec === 'SYMMETRIC_DEFAULT' && {
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
      CurrentKeyMaterialId: key.materialId,
    }),
    MultiRegion: keyId.startsWith('mrk-'),
  };
}
