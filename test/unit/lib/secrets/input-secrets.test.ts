import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  InvalidRequestException,
  ResourceNotFoundException,
  SecretsManagerClient,
  SecretsManagerServiceException,
} from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import {
  checkInputSecrets,
  customTokenSchema,
  passwordSchema,
  readInputSecret,
} from '../../../../lib/secrets/input-secrets.ts';
import { secret } from '../../functions/lambda.ts';

const password = 'infinstor/test/input/acme/password';
const token = 'infinstor/test/input/acme/token';
const missing = new ResourceNotFoundException({ message: 'no such secret', $metadata: {} });
const keyArn = 'arn:aws:kms:us-east-1:111111111111:key/11111111-1111-4111-8111-111111111111';
const error = (name: string, message: string) =>
  new SecretsManagerServiceException({ name, message, $fault: 'client', $metadata: {} });
const toKms = error('AccessDeniedException', 'Access to KMS is not allowed');

function setUp(references: { passwordSecretId?: string; customTokenSecretId?: string }) {
  const client = new SecretsManagerClient({ region: 'us-east-1' });
  const secrets = mockClient(client);
  secrets.on(DescribeSecretCommand).resolves({});
  secrets.on(GetSecretValueCommand).resolves({ SecretString: JSON.stringify({ password: secret('password') }) });
  secrets
    .on(GetSecretValueCommand, { SecretId: token })
    .resolves({ SecretString: JSON.stringify({ customToken: secret('token') }) });
  const stsClient = new STSClient({ region: 'us-east-1' });
  const mockedSts = mockClient(stsClient);
  mockedSts
    .on(GetCallerIdentityCommand)
    .resolves({ Arn: 'arn:aws-us-gov:sts::111111111111:assumed-role/accept-request/function-1' });
  const check = () =>
    checkInputSecrets({ secrets: client, sts: stsClient }, [
      { field: 'passwordSecretId', secretId: references.passwordSecretId, schema: passwordSchema },
      { field: 'customTokenSecretId', secretId: references.customTokenSecretId, schema: customTokenSchema },
    ]);
  return { client, secrets, sts: stsClient, mockedSts, check };
}

describe('the secrets of a request', () => {
  it('may be none', async () => {
    const { secrets, check } = setUp({});
    await check();
    expect(secrets.calls()).toEqual([]);
  });

  it('must be there with what they are to hold, which nothing is kept of', async () => {
    const { secrets, mockedSts, check } = setUp({ passwordSecretId: password, customTokenSecretId: token });
    expect(await check()).toBeUndefined();
    expect(secrets.commandCalls(GetSecretValueCommand).map(({ args: [{ input }] }) => input.SecretId)).toEqual([
      password,
      token,
    ]);
    expect(mockedSts.calls()).toEqual([]);
  });

  it.each(['passwordSecretId', 'customTokenSecretId'])(
    'are refused by the name of %s when there is none',
    async (field) => {
      const { secrets, check } = setUp({
        passwordSecretId: password,
        customTokenSecretId: token,
        [field]: `${password}-2`,
      });
      secrets.on(DescribeSecretCommand, { SecretId: `${password}-2` }).rejects(missing);
      await expect(check()).rejects.toThrow(
        expect.objectContaining({
          name: 'InvalidRequest',
          field,
          message: `${field}: there is no secret ${password}-2`,
        }),
      );
    },
  );

  it('are refused when they hold something else, which is not quoted, or nothing yet', async () => {
    const { secrets, check } = setUp({ passwordSecretId: password, customTokenSecretId: token });
    secrets.on(GetSecretValueCommand, { SecretId: token }).resolves({ SecretString: secret('not JSON') });
    const refused = (rule: RegExp) =>
      expect.objectContaining({
        name: 'InvalidRequest',
        field: 'customTokenSecretId',
        message: expect.stringMatching(rule),
      });
    await expect(check()).rejects.toThrow(
      refused(/^customTokenSecretId: Secret infinstor.test.input.acme.token: must be JSON$/),
    );
    secrets.on(GetSecretValueCommand, { SecretId: token }).rejects(missing);
    await expect(check()).rejects.toThrow(refused(/there is no secret/));
  });

  it('are refused when they hold a duration for the end of a token', async () => {
    const { secrets, check } = setUp({ customTokenSecretId: token });
    const holding = (expiry: number) =>
      secrets
        .on(GetSecretValueCommand, { SecretId: token })
        .resolves({ SecretString: JSON.stringify({ customToken: secret('token'), expiry }) });
    holding(604_800);
    await expect(check()).rejects.toThrow(
      expect.objectContaining({ name: 'InvalidRequest', message: expect.stringContaining('expiry: must be') }),
    );
    holding(1_800_000_000);
    await check();
  });

  it('may hold anything where that is not asked, also nothing yet', async () => {
    const { secrets, client, sts } = setUp({});
    const check = () => checkInputSecrets({ secrets: client, sts }, [{ field: 'users.0', secretId: password }]);
    secrets.on(GetSecretValueCommand).resolves({ SecretString: 'anything' });
    await check();
    secrets.on(GetSecretValueCommand).rejects(missing);
    await check();
    secrets.on(GetSecretValueCommand).rejects(toKms);
    await expect(check()).rejects.toThrow(expect.objectContaining({ name: 'SecretNotReadable', field: 'users.0' }));
  });

  it('are to be restored when they are scheduled for deletion, whichever call shows it', async () => {
    const { client, sts, secrets, check } = setUp({ passwordSecretId: password });
    const scheduled = expect.objectContaining({
      name: 'InvalidRequest',
      field: 'passwordSecretId',
      message: `passwordSecretId: secret ${password} is scheduled for deletion: restore it (aws secretsmanager restore-secret), or name another one`,
    });
    secrets.on(DescribeSecretCommand).resolves({ DeletedDate: new Date(0) });
    await expect(check()).rejects.toThrow(scheduled);
    secrets.on(DescribeSecretCommand).resolves({});
    secrets
      .on(GetSecretValueCommand)
      .rejects(new InvalidRequestException({ message: 'marked for deletion', $metadata: {} }));
    await expect(check()).rejects.toThrow(scheduled);
    const field = 'passwordSecretId';
    const unread = checkInputSecrets({ secrets: client, sts }, [{ field, secretId: password }]);
    await expect(unread).rejects.toThrow(scheduled);
    await expect(readInputSecret(client, { field, secretId: password }, passwordSchema)).rejects.toThrow(scheduled);
  });

  it('are not taken for missing because of another error', async () => {
    const { secrets, check } = setUp({ passwordSecretId: password });
    const later = error('InternalServiceError', 'later');
    secrets.on(GetSecretValueCommand).rejects(later);
    await expect(check()).rejects.toBe(later);
  });
});

describe('a secret that cannot be read', () => {
  const notReadable = (reason: string) =>
    expect.objectContaining({
      name: 'SecretNotReadable',
      field: 'passwordSecretId',
      message: `passwordSecretId: secret ${password} cannot be read: ${reason}`,
    });
  const role = 'arn:aws-us-gov:iam::111111111111:role/accept-request';

  it('for its KMS key is refused by the names of secret, key and role', async () => {
    const { secrets, check } = setUp({ passwordSecretId: password });
    secrets.on(DescribeSecretCommand).resolves({ KmsKeyId: keyArn });
    secrets.on(GetSecretValueCommand).rejects(toKms);
    await expect(check()).rejects.toThrow(
      notReadable(`role ${role} may not read it, or not use its KMS key ${keyArn} (Access to KMS is not allowed)`),
    );
    secrets.on(GetSecretValueCommand).rejects(error('DecryptionFailure', 'no'));
    await expect(check()).rejects.toThrow(
      notReadable(`role ${role} may not read it, or not use its KMS key ${keyArn} (no)`),
    );
  });

  it('is refused together with another one, whose role is looked up once', async () => {
    const { secrets, mockedSts, check } = setUp({ passwordSecretId: password, customTokenSecretId: token });
    secrets.on(GetSecretValueCommand, { SecretId: password }).rejects(toKms);
    secrets.on(GetSecretValueCommand, { SecretId: token }).rejects(toKms);
    const reason = `cannot be read: role ${role} may not read it, or not use its KMS key (Access to KMS is not allowed)`;
    await expect(check()).rejects.toMatchObject({
      name: 'SecretNotReadable',
      message: `passwordSecretId: secret ${password} ${reason}; also customTokenSecretId: secret ${token} ${reason}`,
    });
    expect(mockedSts.calls()).toHaveLength(1);
  });

  it('as IAM denies it is refused by the names of secret and role', async () => {
    const { secrets, mockedSts, check } = setUp({ passwordSecretId: password });
    secrets.on(DescribeSecretCommand).rejects(error('AccessDeniedException', 'not authorized'));
    await expect(check()).rejects.toThrow(
      notReadable(`role ${role} may not read it, or not use its KMS key (not authorized)`),
    );
    mockedSts.on(GetCallerIdentityCommand).rejects(new Error('slow down'));
    await expect(check()).rejects.toThrow(
      notReadable('role of the function may not read it, or not use its KMS key (not authorized)'),
    );
  });

  it('by a later step, with a role of its own, is refused as well', async () => {
    const { client, secrets } = setUp({});
    const read = () => readInputSecret(client, { field: 'passwordSecretId', secretId: password }, passwordSchema);
    expect(await read()).toEqual({ password: secret('password') });
    secrets.on(DescribeSecretCommand).resolves({ KmsKeyId: keyArn });
    secrets.on(GetSecretValueCommand).rejects(toKms);
    await expect(read()).rejects.toThrow(
      notReadable(
        `the role of the step's function may not use its KMS key ${keyArn}, or that is disabled or to be deleted (AccessDeniedException: Access to KMS is not allowed)`,
      ),
    );
  });
});
