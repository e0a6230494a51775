import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { createClock } from '../../../../../sandbox/core/clock.ts';
import { createIam } from '../../../../../sandbox/services/iam/service.ts';
import { createKms } from '../../../../../sandbox/services/kms/service.ts';
import { createSecretsManager } from '../../../../../sandbox/services/secretsmanager/service.ts';
import { accessOf, call } from '../call.ts';

const day = 24 * 60 * 60 * 1000;
const tokenA = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
const tokenB = 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb';
const arnOfA = /^arn:aws:secretsmanager:us-east-1:111111111111:secret:infinstor\/a-[A-Za-z]{6}$/;

function setUp() {
  const clock = createClock({ skipIdle: true });
  const secrets = createSecretsManager({ clock });
  const run = (name: string, input: object) => call(secrets.service, name, input);
  return { clock, secrets, run };
}

describe('creating a secret', () => {
  it('answers with the ARN and the request token as version', async () => {
    const { run, secrets } = setUp();
    const created = await run('CreateSecret', { Name: 'infinstor/a', SecretString: 'one', ClientRequestToken: tokenA });
    expect(created).toEqual({ ARN: expect.stringMatching(arnOfA), Name: 'infinstor/a', VersionId: tokenA });
    expect(secrets.value('infinstor/a')).toBe('one');
  });

  it('is idempotent for the same token and value, and refuses anything else', async () => {
    const { run } = setUp();
    const input = { Name: 'a', SecretString: 'one', ClientRequestToken: tokenA };
    const first = await run('CreateSecret', input);
    expect(await run('CreateSecret', input)).toEqual(first);
    const refusal = {
      code: 'ResourceExistsException',
      message: 'The operation failed because the secret a already exists.',
    };
    await expect(run('CreateSecret', { ...input, SecretString: 'two' })).rejects.toMatchObject(refusal);
    await expect(run('CreateSecret', { ...input, ClientRequestToken: tokenB })).rejects.toMatchObject(refusal);
  });

  it('can leave it without a value, which then cannot be read', async () => {
    const { run, secrets } = setUp();
    secrets.createSecret('empty');
    await expect(run('GetSecretValue', { SecretId: 'empty' })).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    });
    expect(secrets.value('empty')).toBeUndefined();
    expect(await run('DescribeSecret', { SecretId: 'empty' })).not.toHaveProperty('VersionIdsToStages');
  });

  it('refuses a member that the sandbox does not have', async () => {
    const { run } = setUp();
    await expect(run('CreateSecret', { Name: 'a', KmsKeyId: 'key' })).rejects.toMatchObject({
      code: 'ValidationException',
      message: expect.stringContaining('KmsKeyId'),
    });
  });
});

describe('versions', () => {
  it('moves AWSCURRENT to the new version and AWSPREVIOUS to the one before', async () => {
    const { run } = setUp();
    await run('CreateSecret', { Name: 'a', SecretString: 'one', ClientRequestToken: tokenA });
    await run('PutSecretValue', { SecretId: 'a', SecretString: 'two', ClientRequestToken: tokenB });
    expect(await run('GetSecretValue', { SecretId: 'a' })).toMatchObject({
      SecretString: 'two',
      VersionId: tokenB,
      VersionStages: ['AWSCURRENT'],
    });
    const previous = { SecretString: 'one', VersionId: tokenA, VersionStages: ['AWSPREVIOUS'] };
    expect(await run('GetSecretValue', { SecretId: 'a', VersionStage: 'AWSPREVIOUS' })).toMatchObject(previous);
    expect(await run('GetSecretValue', { SecretId: 'a', VersionId: tokenA })).toMatchObject(previous);

    await run('PutSecretValue', { SecretId: 'a', SecretString: 'three' });
    expect(await run('GetSecretValue', { SecretId: 'a', VersionStage: 'AWSPREVIOUS' })).toMatchObject({
      SecretString: 'two',
    });
  });

  it('takes a repeated put of the same value once, and refuses another value under the same token', async () => {
    const { run, secrets } = setUp();
    secrets.createSecret('a', 'zero');
    const input = { SecretId: 'a', SecretString: 'one', ClientRequestToken: tokenA };
    await run('PutSecretValue', input);
    await run('PutSecretValue', { SecretId: 'a', SecretString: 'two', ClientRequestToken: tokenB });
    expect(await run('PutSecretValue', input)).toMatchObject({ VersionId: tokenA, VersionStages: ['AWSPREVIOUS'] });
    expect(secrets.value('a')).toBe('two');
    await expect(run('PutSecretValue', { ...input, SecretString: 'other' })).rejects.toMatchObject({
      code: 'ResourceExistsException',
    });
  });

  it('keeps the current version when a put names another label, except for the first', async () => {
    const { run, secrets } = setUp();
    secrets.createSecret('a');
    const pending = { VersionStages: ['AWSPENDING'] };
    await run('PutSecretValue', { SecretId: 'a', SecretString: 'one', ...pending });
    await run('PutSecretValue', { SecretId: 'a', SecretString: 'two', ...pending });
    expect(secrets.value('a')).toBe('one');
    expect(await run('GetSecretValue', { SecretId: 'a', VersionStage: 'AWSPENDING' })).toMatchObject({
      SecretString: 'two',
    });
  });

  it('refuses a label that is on another version than the named one', async () => {
    const { run } = setUp();
    await run('CreateSecret', { Name: 'a', SecretString: 'one', ClientRequestToken: tokenA });
    await expect(
      run('GetSecretValue', { SecretId: 'a', VersionId: tokenA, VersionStage: 'AWSPENDING' }),
    ).rejects.toMatchObject({ code: 'InvalidRequestException' });
  });
});

describe('finding a secret', () => {
  it('takes the name, the ARN, and the ARN without its suffix', async () => {
    const { run, secrets } = setUp();
    const arn = secrets.createSecret('infinstor/a', 'one');
    for (const SecretId of ['infinstor/a', arn, arn.slice(0, -7)]) {
      expect(await run('GetSecretValue', { SecretId })).toMatchObject({ SecretString: 'one', ARN: arn });
    }
  });

  it('does not find a partial ARN whose name looks as if it had the suffix', async () => {
    const { run, secrets } = setUp();
    const arn = secrets.createSecret('acme-abcdef', 'one');
    await expect(run('GetSecretValue', { SecretId: arn.slice(0, -7) })).rejects.toMatchObject({
      code: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret.",
    });
  });
});

describe('scheduled deletion', () => {
  it('blocks create, read and write until the secret is restored', async () => {
    const { clock, run, secrets } = setUp();
    secrets.createSecret('a', 'one');
    const earliest = new Date(clock.now() + 7 * day);
    const deleted = await run('DeleteSecret', { SecretId: 'a', RecoveryWindowInDays: 7 });
    const { DeletionDate } = v.parse(v.object({ DeletionDate: v.date() }), deleted);
    expect(DeletionDate >= earliest && DeletionDate <= new Date(clock.now() + 7 * day)).toBe(true);
    expect(await run('DescribeSecret', { SecretId: 'a' })).toMatchObject({ DeletedDate: DeletionDate });

    await expect(run('CreateSecret', { Name: 'a', SecretString: 'two' })).rejects.toMatchObject({
      code: 'InvalidRequestException',
      message: "You can't create this secret because a secret with this name is already scheduled for deletion.",
    });
    const marked = {
      code: 'InvalidRequestException',
      message: "You can't perform this operation on the secret because it was marked for deletion.",
    };
    await expect(run('GetSecretValue', { SecretId: 'a' })).rejects.toMatchObject(marked);
    await expect(run('PutSecretValue', { SecretId: 'a', SecretString: 'two' })).rejects.toMatchObject(marked);
    expect(secrets.value('a')).toBeUndefined();

    await run('RestoreSecret', { SecretId: 'a' });
    expect(await run('GetSecretValue', { SecretId: 'a' })).toMatchObject({ SecretString: 'one' });
    clock.advance(40 * day);
    expect(secrets.value('a')).toBe('one');
    clock.stop();
  });

  it('is refused a second time, unless forced', async () => {
    const { run, secrets } = setUp();
    secrets.createSecret('a', 'one');
    await run('DeleteSecret', { SecretId: 'a' });
    await expect(run('DeleteSecret', { SecretId: 'a' })).rejects.toMatchObject({ code: 'InvalidRequestException' });
    await run('DeleteSecret', { SecretId: 'a', ForceDeleteWithoutRecovery: true });
    await expect(run('RestoreSecret', { SecretId: 'a' })).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
  });

  it('frees the name after the window, 30 days unless said otherwise', async () => {
    const { clock, run, secrets } = setUp();
    secrets.createSecret('a', 'one');
    await run('DeleteSecret', { SecretId: 'a' });
    clock.advance(29 * day);
    await expect(run('CreateSecret', { Name: 'a' })).rejects.toMatchObject({ code: 'InvalidRequestException' });
    clock.advance(day);
    await expect(run('RestoreSecret', { SecretId: 'a' })).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
    await run('CreateSecret', { Name: 'a', SecretString: 'two' });
    expect(secrets.value('a')).toBe('two');
    clock.stop();
  });

  it('forgets a secret at once when forced', async () => {
    const { run, secrets } = setUp();
    secrets.createSecret('a', 'one');
    await run('DeleteSecret', { SecretId: 'a', ForceDeleteWithoutRecovery: true });
    await expect(run('DescribeSecret', { SecretId: 'a' })).rejects.toMatchObject({ code: 'ResourceNotFoundException' });
  });

  it.each([[6], [31]])('refuses a window of %i days', async (RecoveryWindowInDays) => {
    const { run, secrets } = setUp();
    secrets.createSecret('a', 'one');
    await expect(run('DeleteSecret', { SecretId: 'a', RecoveryWindowInDays })).rejects.toMatchObject({
      code: 'InvalidParameterException',
    });
  });
});

describe('access', () => {
  it('asks about the secret and its tags', () => {
    const { secrets } = setUp();
    const arn = secrets.createSecret('a', 'one', { stage: 'dev' });
    expect(accessOf(secrets.service, 'GetSecretValue', { SecretId: 'a' })).toEqual([
      { action: 'secretsmanager:GetSecretValue', resource: arn, context: { 'aws:ResourceTag/stage': 'dev' } },
    ]);
  });

  it('asks about a suffix of six characters when there is no secret', () => {
    const { secrets } = setUp();
    const prefix = 'arn:aws:secretsmanager:us-east-1:111111111111:secret:';
    expect(accessOf(secrets.service, 'CreateSecret', { Name: 'a' })).toEqual([
      {
        action: 'secretsmanager:CreateSecret',
        resource: `${prefix}a-AbCdEf`,
        context: { 'secretsmanager:Name': 'a' },
      },
    ]);
    expect(accessOf(secrets.service, 'GetSecretValue', { SecretId: `${prefix}a` })).toMatchObject([
      { resource: `${prefix}a-AbCdEf` },
    ]);
    expect(accessOf(secrets.service, 'GetSecretValue', { SecretId: `${prefix}a-XyZxYz` })).toMatchObject([
      { resource: `${prefix}a-XyZxYz` },
    ]);
  });

  it('asks for TagResource too when a secret is created with tags', () => {
    const { secrets } = setUp();
    const input = { Name: 'a', Tags: [{ Key: 'stage', Value: 'dev' }] };
    expect(accessOf(secrets.service, 'CreateSecret', input)).toMatchObject([
      { action: 'secretsmanager:CreateSecret', context: { 'aws:RequestTag/stage': 'dev', 'aws:TagKeys': ['stage'] } },
      { action: 'secretsmanager:TagResource', context: { 'aws:RequestTag/stage': 'dev', 'aws:TagKeys': ['stage'] } },
    ]);
  });
});

describe('listing secrets', () => {
  it('gives those whose names begin so, page by page, and none that is scheduled for deletion', async () => {
    const { run, secrets } = setUp();
    for (let index = 10; index < 22; index += 1) secrets.createSecret(`in/${index}`, 'value');
    secrets.createSecret('other/1', 'value');
    secrets.createSecret('in/gone', 'value');
    await run('DeleteSecret', { SecretId: 'in/gone' });
    const Filters = [{ Key: 'name', Values: ['in/'] }];
    const page = v.parse(
      v.object({ SecretList: v.array(v.looseObject({ Name: v.string() })), NextToken: v.string() }),
      await run('ListSecrets', { Filters }),
    );
    expect(page.SecretList).toHaveLength(10);
    expect(page.SecretList[0]).toMatchObject({ Name: 'in/10', CreatedDate: expect.any(Date) });
    expect(JSON.stringify(page)).not.toContain('"value"');
    expect(await run('ListSecrets', { Filters, NextToken: page.NextToken })).toMatchObject({
      SecretList: [{ Name: 'in/20' }, { Name: 'in/21' }],
    });
    const withDeleted = { Filters: [{ Key: 'name', Values: ['in/gone'] }], IncludePlannedDeletion: true };
    expect(await run('ListSecrets', withDeleted)).toMatchObject({ SecretList: [{ Name: 'in/gone' }] });
  });
});

describe('a secret under a customer managed key', () => {
  const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/33333333-cccc-4ccc-8ccc-333333333333';

  function setUpKey(Action: string | string[]) {
    const clock = createClock({ skipIdle: true });
    const iam = createIam(clock);
    const kms = createKms({ clock, iam });
    const root = { AWS: 'arn:aws:iam::111111111111:root' };
    const enableIam = { Effect: 'Allow', Principal: root, Action: 'kms:*', Resource: '*' };
    const Condition = { StringEquals: { 'kms:ViaService': 'secretsmanager.us-east-1.amazonaws.com' } };
    const Statement = [{ Effect: 'Allow', Action, Resource: '*', Condition }];
    kms.createKey({ arn: keyArn, tags: {}, policy: { Version: '2012-10-17', Statement: [enableIam] } });
    const assumeRolePolicyDocument = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    };
    const policies = [{ name: 'keys', document: { Version: '2012-10-17', Statement } }];
    const role = iam.createRole({ roleName: 'reader', assumeRolePolicyDocument, policies });
    const secrets = createSecretsManager({ clock, kms });
    const caller = iam.serviceCaller(role.arn, 'lambda.amazonaws.com');
    const run = (name: string, input: object) => call(secrets.service, name, input, caller);
    secrets.createSecret('a', 'one', {}, keyArn);
    return { run, kms: (name: string) => call(kms.service, name, { KeyId: keyArn }) };
  }
  const denied = { code: 'AccessDeniedException', message: 'Access to KMS is not allowed' };

  it('is read and written by who may use the key through Secrets Manager', async () => {
    const { run } = setUpKey(['kms:Decrypt', 'kms:GenerateDataKey']);
    expect(await run('GetSecretValue', { SecretId: 'a' })).toMatchObject({ SecretString: 'one' });
    await run('PutSecretValue', { SecretId: 'a', SecretString: 'two' });
    await run('CreateSecret', { Name: 'b', SecretString: 'one', KmsKeyId: keyArn });
    expect(await run('DescribeSecret', { SecretId: 'b' })).toMatchObject({ KmsKeyId: keyArn });
  });

  it('is described, and neither read nor written, by others', async () => {
    const { run } = setUpKey('kms:DescribeKey');
    expect(await run('DescribeSecret', { SecretId: 'a' })).toMatchObject({ KmsKeyId: keyArn });
    await expect(run('GetSecretValue', { SecretId: 'a' })).rejects.toMatchObject(denied);
    await expect(run('PutSecretValue', { SecretId: 'a', SecretString: 'two' })).rejects.toMatchObject(denied);
    const created = run('CreateSecret', { Name: 'b', SecretString: 'one', KmsKeyId: keyArn });
    await expect(created).rejects.toMatchObject(denied);
    await run('CreateSecret', { Name: 'b', KmsKeyId: keyArn });
  });

  it('is read by nobody while the key is disabled', async () => {
    const { run, kms } = setUpKey('kms:*');
    await kms('DisableKey');
    await expect(run('GetSecretValue', { SecretId: 'a' })).rejects.toMatchObject({ code: 'DecryptionFailure' });
    const put = run('PutSecretValue', { SecretId: 'a', SecretString: 'two' });
    await expect(put).rejects.toMatchObject({ code: 'EncryptionFailure' });
  });
});

describe('the quota of versions', () => {
  const versionsSchema = v.object({
    Versions: v.array(v.object({ VersionId: v.string(), VersionStages: v.optional(v.array(v.string())) })),
    NextToken: v.optional(v.string()),
  });
  const put = (run: ReturnType<typeof setUp>['run'], value: number) =>
    run('PutSecretValue', { SecretId: 'a', SecretString: `value ${value}` });

  async function full() {
    const { clock, secrets, run } = setUp();
    secrets.createSecret('a', 'value 1');
    for (let value = 2; value <= 100; value += 1) await put(run, value);
    return { clock, secrets, run };
  }

  it('refuses the version after the 100th of a day', async () => {
    const { secrets, run } = await full();
    await expect(put(run, 101)).rejects.toMatchObject({
      code: 'LimitExceededException',
      message: 'The request failed because it would exceed one of the Secrets Manager quotas.',
    });
    expect(secrets.value('a')).toBe('value 100');
    expect(secrets.youngVersions()).toEqual(new Map([['a', 100]]));
  });

  it('removes versions of a day ago, but none that has a label', async () => {
    const { clock, secrets, run } = await full();
    clock.advance(day);
    expect(secrets.youngVersions()).toEqual(new Map([['a', 0]]));
    for (let value = 101; value <= 198; value += 1) await put(run, value);
    // The 100th is the oldest, and was the current one a moment ago: it went, and the two labels are on the latest.
    await put(run, 199);
    const input = { SecretId: 'a', MaxResults: 100 };
    expect(v.parse(versionsSchema, await run('ListSecretVersionIds', input)).Versions).toMatchObject([
      { VersionStages: ['AWSPREVIOUS'] },
      { VersionStages: ['AWSCURRENT'] },
    ]);
    const all = v.parse(versionsSchema, await run('ListSecretVersionIds', { ...input, IncludeDeprecated: true }));
    expect(all.Versions).toHaveLength(100);
  });

  it('lists versions page by page, whichever way the caller asks', async () => {
    const { run } = await full();
    const first = v.parse(
      versionsSchema,
      await run('ListSecretVersionIds', { SecretId: 'a', IncludeDeprecated: true }),
    );
    expect([first.Versions.length, first.NextToken]).toEqual([10, '10']);
    await expect(run('ListSecretVersionIds', { SecretId: 'a', NextToken: 'no number' })).rejects.toMatchObject({
      code: 'InvalidNextTokenException',
    });
  });
});
