import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { AccountRegion } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { type Access, AwsError, operation } from '../../core/operation.ts';
import type { Kms } from '../kms/service.ts';
import { keyUse } from './key-use.ts';
import { expectedArn, type Secret, type SecretStore, staged, type Version } from './secret-store.ts';

const day = 24 * 60 * 60 * 1000;

/** Below AWS's page of 100: a client that does not follow NextToken is found out. */
const pageSize = 10;

/** Recorded of each operation, and of names alone: an ARN is looked for whatever it holds. */
const ofName = v.check<string, string>(
  (id) => id.startsWith('arn:') || /^[A-Za-z0-9/_+=.@!-]*$/.test(id),
  'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
);
const secretId = v.pipe(v.string(), v.minLength(1), v.maxLength(2048), ofName);
const clientRequestToken = v.optional(v.pipe(v.string(), v.minLength(32), v.maxLength(64)), () => randomUUID());
const secretString = v.pipe(v.string(), v.minLength(1), v.maxLength(65_536));
const onSecret = v.strictObject({ SecretId: secretId });

interface Parts {
  clock: Pick<Clock, 'now'>;
  store: SecretStore;
  kms: Pick<Kms, 'useAccess'> | undefined;
  home: AccountRegion;
}

/** The operations on secrets: https://docs.aws.amazon.com/secretsmanager/latest/apireference/ */
export function secretOperations({ clock, store, kms, home }: Parts) {
  const requireKey = keyUse(kms, home);

  function accessTo(action: string, id: string, context?: Access['context']): Access {
    const secret = store.find(id);
    const tagged = Object.entries(secret?.tags ?? {}).map(([key, value]) => [`aws:ResourceTag/${key}`, value]);
    return {
      action: `secretsmanager:${action}`,
      resource: secret?.arn ?? expectedArn(id, home),
      context: { ...Object.fromEntries(tagged), ...context },
    };
  }

  const onExisting = (action: string) => (input: { SecretId: string }) => [accessTo(action, input.SecretId)];

  return {
    CreateSecret: operation(
      v.strictObject({
        Name: v.pipe(v.string(), v.minLength(1), v.maxLength(512), ofName),
        ClientRequestToken: clientRequestToken,
        Description: v.optional(v.string()),
        SecretString: v.optional(secretString),
        KmsKeyId: v.optional(v.pipe(v.string(), v.startsWith('arn:'))),
        Tags: v.optional(v.array(v.strictObject({ Key: v.string(), Value: v.string() })), []),
      }),
      {
        access({ Name, Tags }) {
          const requestTags = Object.fromEntries(Tags.map(({ Key, Value }) => [`aws:RequestTag/${Key}`, Value]));
          const context = { ...requestTags, ...(Tags.length > 0 && { 'aws:TagKeys': Tags.map(({ Key }) => Key) }) };
          return [
            accessTo('CreateSecret', Name, { 'secretsmanager:Name': Name, ...context }),
            ...(Tags.length > 0 ? [accessTo('TagResource', Name, context)] : []),
          ];
        },
        run(input, caller) {
          if (input.SecretString !== undefined) requireKey(caller, input.KmsKeyId, 'encrypt');
          const secret = create(store, input);
          return {
            ...identity(secret),
            VersionId: input.SecretString === undefined ? undefined : input.ClientRequestToken,
          };
        },
      },
    ),

    PutSecretValue: operation(
      v.strictObject({
        SecretId: secretId,
        ClientRequestToken: clientRequestToken,
        SecretString: secretString,
        VersionStages: v.optional(v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(20)), ['AWSCURRENT']),
      }),
      {
        access: onExisting('PutSecretValue'),
        run(input, caller) {
          const secret = store.usable(input.SecretId);
          requireKey(caller, secret.kmsKeyId, 'encrypt');
          const version = store.putVersion(secret, input.ClientRequestToken, input.SecretString, input.VersionStages);
          return { ...identity(secret), VersionId: version.id, VersionStages: labels(version) };
        },
      },
    ),

    // Another key alone: values go by PutSecretValue here. It encrypts what there is.
    UpdateSecret: operation(
      v.strictObject({ SecretId: secretId, KmsKeyId: v.pipe(v.string(), v.startsWith('arn:')) }),
      {
        access: onExisting('UpdateSecret'),
        run({ SecretId, KmsKeyId }, caller) {
          const secret = store.usable(SecretId);
          requireKey(caller, secret.kmsKeyId, 'decrypt');
          requireKey(caller, KmsKeyId, 'encrypt');
          secret.kmsKeyId = KmsKeyId;
          return identity(secret);
        },
      },
    ),

    GetSecretValue: operation(
      v.strictObject({
        SecretId: secretId,
        VersionId: v.optional(v.string()),
        VersionStage: v.optional(v.string()),
      }),
      {
        access: onExisting('GetSecretValue'),
        run(input, caller) {
          const secret = store.usable(input.SecretId);
          const version = versionOf(secret, input);
          requireKey(caller, secret.kmsKeyId, 'decrypt');
          secret.accessedAt = clock.now();
          return {
            ...identity(secret),
            VersionId: version.id,
            SecretString: version.value,
            VersionStages: labels(version),
            CreatedDate: new Date(version.createdAt),
          };
        },
      },
    ),

    ListSecrets: operation(
      v.strictObject({
        Filters: v.optional(
          v.array(v.strictObject({ Key: v.literal('name'), Values: v.pipe(v.array(v.string()), v.minLength(1)) })),
          [],
        ),
        IncludePlannedDeletion: v.optional(v.boolean(), false),
        MaxResults: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)), pageSize),
        NextToken: v.optional(v.string()),
      }),
      {
        access: () => [{ action: 'secretsmanager:ListSecrets', resource: '*' }],
        run({ Filters, IncludePlannedDeletion, MaxResults, NextToken }) {
          const matching = store
            .all(IncludePlannedDeletion)
            .filter(({ name }) => Filters.every(({ Values }) => Values.some((value) => name.startsWith(value))));
          const { page, ...rest } = pageOf(matching, MaxResults, NextToken);
          return { SecretList: page.map(listed), ...rest };
        },
      },
    ),

    ListSecretVersionIds: operation(
      v.strictObject({
        SecretId: secretId,
        IncludeDeprecated: v.optional(v.boolean(), false),
        MaxResults: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100)), pageSize),
        NextToken: v.optional(v.string()),
      }),
      {
        access: onExisting('ListSecretVersionIds'),
        run({ SecretId, IncludeDeprecated, MaxResults, NextToken }) {
          const secret = store.existing(SecretId);
          const versions = [...secret.versions.values()].filter(({ stages }) => IncludeDeprecated || stages.size > 0);
          const { page, ...rest } = pageOf(versions, MaxResults, NextToken);
          return {
            ...identity(secret),
            Versions: page.map((version) => ({
              VersionId: version.id,
              CreatedDate: new Date(version.createdAt),
              KmsKeyIds: [secret.kmsKeyId ?? 'DefaultEncryptionKey'],
              ...(version.stages.size > 0 && { VersionStages: labels(version) }),
            })),
            ...rest,
          };
        },
      },
    ),

    DescribeSecret: operation(onSecret, {
      access: onExisting('DescribeSecret'),
      run: ({ SecretId }) => describe(store.existing(SecretId)),
    }),

    DeleteSecret: operation(
      v.strictObject({
        SecretId: secretId,
        RecoveryWindowInDays: v.optional(v.number()),
        ForceDeleteWithoutRecovery: v.optional(v.boolean(), false),
      }),
      {
        access: onExisting('DeleteSecret'),
        run({ SecretId, RecoveryWindowInDays: window, ForceDeleteWithoutRecovery: force }) {
          if (force && window !== undefined) {
            throw new AwsError(
              'InvalidParameterException',
              "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            );
          }
          if (window !== undefined && !(Number.isInteger(window) && window >= 7 && window <= 30)) {
            throw new AwsError(
              'InvalidParameterException',
              'The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).',
            );
          }
          const secret = force ? store.existing(SecretId) : store.usable(SecretId);
          secret.deletionDate = force ? clock.now() : clock.now() + (window ?? 30) * day;
          return { ...identity(secret), DeletionDate: new Date(secret.deletionDate) };
        },
      },
    ),

    RestoreSecret: operation(onSecret, {
      access: onExisting('RestoreSecret'),
      run({ SecretId }) {
        const secret = store.existing(SecretId);
        secret.deletionDate = undefined;
        return identity(secret);
      },
    }),
  };
}

/** A repeat with the same token and value answers with the secret that the first call made. */
function create(
  store: SecretStore,
  input: {
    Name: string;
    ClientRequestToken: string;
    Description?: string | undefined;
    SecretString?: string | undefined;
    KmsKeyId?: string | undefined;
    Tags: readonly { Key: string; Value: string }[];
  },
): Secret {
  const { Name, ClientRequestToken, Description: description, SecretString, KmsKeyId: kmsKeyId } = input;
  const existing = store.find(Name);
  const earlier = existing?.deletionDate === undefined ? existing?.versions.get(ClientRequestToken) : undefined;
  if (existing !== undefined && earlier !== undefined && earlier.value === SecretString) return existing;
  const tags = Object.fromEntries(input.Tags.map(({ Key, Value }) => [Key, Value]));
  const secret = store.add(Name, tags, { description, kmsKeyId });
  if (SecretString !== undefined) store.putVersion(secret, ClientRequestToken, SecretString, ['AWSCURRENT']);
  return secret;
}

function pageOf<Item>(items: readonly Item[], size: number, token = '0'): { page: Item[]; NextToken?: string } {
  const start = Number(token);
  if (!Number.isInteger(start)) throw new AwsError('InvalidNextTokenException', 'Invalid pagination token.');
  const end = start + size;
  return { page: items.slice(start, end), ...(end < items.length && { NextToken: String(end) }) };
}

/** A version's labels, as they are listed. */
const labels = ({ stages }: Version) => [...stages].sort();

const identity = (secret: Secret) => ({ ARN: secret.arn, Name: secret.name });

function versionOf(secret: Secret, request: { VersionId?: string | undefined; VersionStage?: string | undefined }) {
  const { VersionId: id, VersionStage: stage = 'AWSCURRENT' } = request;
  const version = id === undefined ? staged(secret, stage) : secret.versions.get(id);
  if (version === undefined) {
    const wanted = id === undefined ? `staging label: ${stage}` : `VersionId: ${id}`;
    throw new AwsError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for ${wanted}`,
    );
  }
  if (request.VersionStage !== undefined && !version.stages.has(request.VersionStage)) {
    throw new AwsError(
      'InvalidRequestException',
      'You provided a VersionStage that is not associated to the provided VersionId.',
    );
  }
  return version;
}

function listed(secret: Secret) {
  const { VersionIdsToStages, ...description } = describe(secret);
  return { ...description, SecretVersionsToStages: VersionIdsToStages };
}

function describe(secret: Secret) {
  const tags = Object.entries(secret.tags).map(([Key, Value]) => ({ Key, Value }));
  const labelled = [...secret.versions.values()].filter(({ stages }) => stages.size > 0);
  return {
    ...identity(secret),
    // An empty one is none.
    Description: secret.description || undefined,
    KmsKeyId: secret.kmsKeyId,
    CreatedDate: new Date(secret.createdAt),
    LastChangedDate: new Date(secret.changedAt),
    // AWS reports the day of the last access, not the time.
    LastAccessedDate: secret.accessedAt === undefined ? undefined : new Date(Math.floor(secret.accessedAt / day) * day),
    DeletedDate: secret.deletionDate === undefined ? undefined : new Date(secret.deletionDate),
    ...(tags.length > 0 && { Tags: tags }),
    ...(labelled.length > 0 && {
      VersionIdsToStages: Object.fromEntries(labelled.map((version) => [version.id, labels(version)])),
    }),
  };
}
