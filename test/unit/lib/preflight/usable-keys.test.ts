import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  type KeyMetadata,
  KMSClient,
  KMSServiceException,
  ListResourceTagsCommand,
  NotFoundException,
  type Tag,
} from '@aws-sdk/client-kms';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import type { Grant } from '../../../../lib/keys/grants.ts';
import type { KeyAccess } from '../../../../lib/keys/key-policy.ts';
import type { Reservation } from '../../../../lib/keys/reservations.ts';
import { requireRoom } from '../../../../lib/preflight/room.ts';
import { checkKey } from '../../../../lib/preflight/usable-keys.ts';
import { namingStatements } from '../../functions/key-policies.ts';
import { now } from '../../functions/lambda.ts';

const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-1111-4111-8111-111111111111';
const expected = {
  home: { accountId: '111111111111', region: 'us-east-1' },
  expectedRoleArn: 'arn:aws:iam::111111111111:role/RoleForInfinStorMlflowService-acme',
  writers: [] as readonly string[],
};
const usable: Partial<KeyMetadata> = {
  KeyManager: 'CUSTOMER',
  KeyState: 'Enabled',
  KeySpec: 'SYMMETRIC_DEFAULT',
  KeyUsage: 'ENCRYPT_DECRYPT',
};
const allowed: Tag = { TagKey: 'infinstor-onboarding', TagValue: 'allowed' };
const enableIam = { Sid: 'Enable IAM User Permissions', Effect: 'Allow', Action: 'kms:*', Resource: '*' };

const deployment = '111111111111/us-east-1/infinstor-onboarding-test';
const exclusiveTo = (TagValue: string): Tag => ({ TagKey: 'infinstor-onboarding:exclusive', TagValue });

interface Key {
  metadata?: Partial<KeyMetadata>;
  tagPages?: Tag[][];
  policy?: object;
  /** What other onboardings want of it. */
  grants?: Grant[];
  /** The places that others have reserved; the ARN of each one's execution is how that stands. */
  reservations?: Reservation[];
}

/** KMS with the one key, and a check of it. */
function setUp({
  metadata = {},
  tagPages = [[allowed]],
  policy = { Statement: [enableIam] },
  grants = [],
  reservations = [],
}: Key = {}) {
  const client = new KMSClient({ region: 'us-east-1' });
  const kms = mockClient(client);
  kms.on(DescribeKeyCommand, { KeyId: keyArn }).resolves({ KeyMetadata: { KeyId: keyArn, ...usable, ...metadata } });
  for (const [page, Tags] of tagPages.entries()) {
    const input = page === 0 ? { KeyId: keyArn } : { KeyId: keyArn, Marker: String(page) };
    const hasMore = page + 1 < tagPages.length;
    kms.on(ListResourceTagsCommand, input).resolves({ Tags, ...(hasMore && { NextMarker: String(page + 1) }) });
  }
  kms.on(GetKeyPolicyCommand, { KeyId: keyArn }).resolves({ Policy: JSON.stringify(policy) });
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'us-east-1' }));
  mockClient(documents)
    .on(QueryCommand, { ConsistentRead: true })
    .callsFake(({ ExpressionAttributeValues }) => ({
      Items: ExpressionAttributeValues[':from'] === 'GRANT#' ? grants : reservations,
    }));
  const stepFunctions = new SFNClient({ region: 'us-east-1' });
  const executions = mockClient(stepFunctions);
  executions.on(DescribeExecutionCommand).callsFake(({ executionArn }) => ({ executionArn, status: executionArn }));
  const check = async ({
    home = expected.home,
    access = { mode: 'role-arns' } as KeyAccess,
    writers = expected.writers,
  } = {}) => {
    const policyInForce = await checkKey(client, keyArn, { home, userName: 'Acme', writers, deployment });
    const place = {
      keyArn,
      userName: 'acme',
      expectedRoleArn: expected.expectedRoleArn,
      access,
      policy: policyInForce,
    };
    return requireRoom(place, { registry: { documents, tableName: 'registry' }, stepFunctions, now });
  };
  return { kms, client, check, executions };
}

const notUsable = (reason: string) =>
  expect.objectContaining({ name: 'KeyNotUsable', keyArn, message: `Key ${keyArn} cannot be used: ${reason}` });

describe('a key can be used', () => {
  it('when it is enabled, symmetric, tagged and has room for another role', async () => {
    await expect(setUp().check()).resolves.toBe(true);
  });

  it.each(['acme', 'ACME', 'beta acme', '  beta  acme ', 'beta acm-e acme', 'allowed acme'])(
    'when its owner allows it to %s',
    async (TagValue) => {
      await expect(setUp({ tagPages: [[{ ...allowed, TagValue }]] }).check()).resolves.toBe(true);
    },
  );

  it('when its owner allows it to all whose names begin so', async () => {
    const { kms, client } = setUp({ tagPages: [[{ ...allowed, TagValue: 'beta- Acme-EU-' }]] });
    const check = (userName: string) =>
      checkKey(client, keyArn, { home: expected.home, userName, writers: [], deployment });
    for (const userName of ['beta-1', 'Beta-x', 'acme-eu-7']) await expect(check(userName)).resolves.toBeDefined();
    for (const userName of ['beta', 'betamax', 'acme-eu', 'acme-us-1', 'x-beta-1']) {
      await expect(check(userName)).rejects.toThrow(`does not allow it to ${userName}`);
    }
    expect(kms.commandCalls(GetKeyPolicyCommand)).toHaveLength(3);
  });

  it('when the tag is on a later page', async () => {
    const tagPages = [[{ TagKey: 'team', TagValue: 'ml' }], [allowed]];
    await expect(setUp({ tagPages }).check()).resolves.toBe(true);
  });
});

describe('a key that its owner has marked as exclusive', () => {
  it('can be used by that deployment', async () => {
    await expect(setUp({ tagPages: [[exclusiveTo(deployment)], [allowed]] }).check()).resolves.toBe(true);
  });

  it('cannot be used by another one, also of the same stage', async () => {
    const owner = deployment.replace('us-east-1', 'eu-west-1');
    await expect(setUp({ tagPages: [[allowed], [exclusiveTo(owner)]] }).check()).rejects.toThrow(
      notUsable(
        `by its tag infinstor-onboarding:exclusive it is for deployment ${owner} alone, and this is ${deployment}`,
      ),
    );
  });
});

describe('a key cannot be used', () => {
  it.each([
    [
      'account',
      { accountId: '222222222222', region: 'us-east-1' },
      'it is not in account 222222222222, where the stack is',
    ],
    ['Region', { accountId: '111111111111', region: 'eu-west-1' }, 'it is not in Region eu-west-1, where the stack is'],
  ])('from another %s, which is known without asking KMS', async (_name, home, reason) => {
    const { kms, check } = setUp();
    await expect(check({ home })).rejects.toThrow(notUsable(reason));
    expect(kms.calls()).toEqual([]);
  });

  it.each<[name: string, metadata: Partial<KeyMetadata>, reason: string]>([
    ['managed by AWS', { KeyManager: 'AWS' }, 'it is managed by AWS, and its policy cannot be changed'],
    ['disabled', { KeyState: 'Disabled' }, 'its state is Disabled'],
    ['to be deleted', { KeyState: 'PendingDeletion' }, 'its state is PendingDeletion'],
    [
      'for signing',
      { KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' },
      'it is a RSA_2048 key for SIGN_VERIFY, not a symmetric one for encryption',
    ],
    [
      'for signing with one key',
      { KeyUsage: 'GENERATE_VERIFY_MAC' },
      'it is a SYMMETRIC_DEFAULT key for GENERATE_VERIFY_MAC, not a symmetric one for encryption',
    ],
    [
      'asymmetric',
      { KeySpec: 'RSA_4096' },
      'it is a RSA_4096 key for ENCRYPT_DECRYPT, not a symmetric one for encryption',
    ],
  ])('that is %s', async (_name, metadata, reason) => {
    await expect(setUp({ metadata }).check()).rejects.toThrow(notUsable(reason));
  });

  it.each<[name: string, tags: Tag[]]>([
    ['no tags', []],
    ['the tag without a value', [{ ...allowed, TagValue: '' }]],
    ['the tag with a blank', [{ ...allowed, TagValue: ' ' }]],
    ['the value under another tag', [{ ...allowed, TagKey: 'team' }]],
  ])('that has %s', async (_name, tags) => {
    await expect(setUp({ tagPages: [tags] }).check()).rejects.toThrow(
      notUsable('it does not have the tag infinstor-onboarding, by which its owner allows it'),
    );
  });

  it.each(['denied', 'ALLOWED', 'beta', 'acme-2', 'acm', 'beta acme2', 'a', 'acme,beta', 'acme*', '-', 'acme-', 'me'])(
    'whose owner allows it to %s only',
    async (TagValue) => {
      await expect(setUp({ tagPages: [[{ ...allowed, TagValue }]] }).check()).rejects.toThrow(
        notUsable(
          'its tag infinstor-onboarding does not allow it to Acme: the value is neither allowed nor a list of userNames with this one',
        ),
      );
    },
  );

  it('that is not there', async () => {
    const { kms, check } = setUp();
    kms.on(DescribeKeyCommand).rejects(new NotFoundException({ message: 'Key does not exist', $metadata: {} }));
    await expect(check()).rejects.toThrow(notUsable('there is no such key'));
  });

  it('whose policy names a deleted principal', async () => {
    const orphaned = { ...enableIam, Sid: 'Admins', Principal: { AWS: 'AIDAJQABLZS4A3QDU576Q' } };
    await expect(setUp({ policy: { Statement: [enableIam, orphaned] } }).check()).rejects.toThrow(
      expect.objectContaining({ name: 'KeyPolicyOrphan', message: expect.stringMatching(/"Admins".*AIDAJQABLZS4A/) }),
    );
  });

  it('whose policy has no room for another role', async () => {
    const filler = { ...enableIam, Sid: 'x'.repeat(32_500) };
    await expect(setUp({ policy: { Statement: [filler] } }).check()).rejects.toThrow(
      expect.objectContaining({ name: 'KeyPolicyFull', roles: 1 }),
    );
  });

  describe('whose policy has room for one more', () => {
    const policy = { Statement: [{ ...enableIam, Sid: 'x'.repeat(31_990) }] };
    const grant = (name: string, state: Grant['state']): Grant => ({
      roleArn: `${expected.expectedRoleArn}-${name}`,
      roleId: name,
      userName: name,
      state,
      refused: false,
    });

    it('and another that is on its way takes it', async () => {
      await expect(setUp({ policy }).check()).resolves.toBe(true);
      await expect(setUp({ policy, grants: [grant('two', 'pending')] }).check()).rejects.toThrow(
        expect.objectContaining({ name: 'KeyPolicyFull', roles: 2 }),
      );
    });

    it('and another that was granted keeps it until it is out of both registry and policy', async () => {
      const taken = {
        ...policy,
        Statement: [...policy.Statement, ...namingStatements([grant('two', 'applied').roleArn])],
      };
      const full = expect.objectContaining({ name: 'KeyPolicyFull', roles: 2 });
      await expect(setUp({ policy: taken }).check()).rejects.toThrow(full);
      await expect(setUp({ policy, grants: [grant('two', 'applied')] }).check()).rejects.toThrow(full);
      await expect(setUp({ policy }).check()).resolves.toBe(true);
    });

    const reserved = (userName: string, status: string, expiresIn = 60): Reservation => ({
      roleArn: `${expected.expectedRoleArn}-${userName}`,
      userName,
      executionArn: status,
      expiresAt: now.getTime() / 1000 + expiresIn,
    });

    it.each(['RUNNING', 'PENDING_REDRIVE'])('and another has reserved it, whose execution is %s', async (status) => {
      await expect(setUp({ policy, reservations: [reserved('two', status)] }).check()).rejects.toThrow(
        expect.objectContaining({ name: 'KeyPolicyFull', roles: 2 }),
      );
    });

    it.each([
      ['that ended with its execution', reserved('two', 'FAILED')],
      ['that has expired', reserved('two', 'RUNNING', 0)],
      ['that is its own, of whatever attempt', reserved('ACME', 'RUNNING')],
    ])('can be, beside a reservation %s', async (_, reservation) => {
      await expect(setUp({ policy, reservations: [reservation] }).check()).resolves.toBe(true);
    });

    it('asks for no execution while there is room for all', async () => {
      const { check, executions } = setUp({ reservations: [reserved('two', 'RUNNING')] });
      expect(await check()).toBe(true);
      expect(executions.calls()).toEqual([]);
    });

    it('needs no reservation when its own grant stands in the registry, or its role in the policy', async () => {
      expect(await setUp({ policy, grants: [{ ...grant('one', 'pending'), userName: 'Acme' }] }).check()).toBe(false);
      const named = { ...policy, Statement: [...policy.Statement, ...namingStatements([expected.expectedRoleArn])] };
      expect(await setUp({ policy: named }).check()).toBe(false);
    });

    it('can be, when the other has no role any more', async () => {
      await expect(setUp({ policy, grants: [grant('two', 'orphaned')] }).check()).resolves.toBe(true);
    });

    it('can be, when all roles stand there by one pattern', async () => {
      const access: KeyAccess = { mode: 'role-pattern', roleNamePrefix: 'RoleForInfinStorMlflowService-' };
      const grants = Array.from({ length: 300 }, (_, n) => grant(String(n), 'pending'));
      await expect(setUp({ grants }).check({ access })).resolves.toBe(true);
      await expect(setUp({ grants }).check()).rejects.toThrow(expect.objectContaining({ name: 'KeyPolicyFull' }));
    });
  });
});

describe('of several keys, the message names the one', () => {
  const statement = (Sid: string) => ({ ...enableIam, Sid });
  it.each<[string, object]>([
    ['KeyPolicyNotUnderstood', { Statement: [statement('Allow use of the key by InfinStor')] }],
    ['KeyPolicyNotUnderstood', { Statement: [statement('Twice'), statement('Twice')] }],
    ['KeyPolicyNotUnderstood', { Statement: [{ Effect: 'Perhaps' }] }],
    ['KeyPolicyOrphan', { Statement: [{ ...enableIam, Principal: { AWS: 'AIDAJQABLZS4A3QDU576Q' } }] }],
    ['KeyPolicyFull', { Statement: [statement('x'.repeat(32_500))] }],
  ])('of %s', async (name, policy) => {
    const message = expect.stringContaining(`the policy of key ${keyArn} `);
    await expect(setUp({ policy }).check()).rejects.toThrow(expect.objectContaining({ name, message }));
  });
});

it('a key cannot be used whose policy keeps a writer from changing it', async () => {
  const writers = ['arn:aws:iam::111111111111:role/patch-key-policy'];
  await expect(setUp().check({ writers })).rejects.toThrow(
    notUsable(`no statement of its policy allows kms:GetKeyPolicy to ${writers[0]} or to its account`),
  );
  const open = { ...enableIam, Principal: { AWS: 'arn:aws:iam::111111111111:root' } };
  await expect(setUp({ policy: { Statement: [open] } }).check({ writers })).resolves.toBe(true);
});

describe('an error of KMS', () => {
  const error = (name: string) =>
    new KMSServiceException({ name, message: 'User: x is not authorized', $fault: 'client', $metadata: {} });

  it.each([DescribeKeyCommand, ListResourceTagsCommand, GetKeyPolicyCommand])(
    'that denies a look at the key says that the key cannot be used: %o',
    async (command) => {
      const { kms, check } = setUp();
      kms.on(command).rejects(error('AccessDeniedException'));
      await expect(check()).rejects.toThrow(notUsable('the deployment may not look at it: User: x is not authorized'));
    },
  );

  it('of another kind stays as it is', async () => {
    const { kms, check } = setUp();
    const other = error('KMSInternalException');
    kms.on(DescribeKeyCommand).rejects(other);
    await expect(check()).rejects.toBe(other);
  });
});
