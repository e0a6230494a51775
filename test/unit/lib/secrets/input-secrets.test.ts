import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { checkInputSecrets } from '../../../../lib/secrets/input-secrets.ts';

const password = 'infinstor/test/input/password';
const token = 'infinstor/test/input/token';
const missing = new ResourceNotFoundException({ message: 'no such secret', $metadata: {} });

function setUp(references: { passwordSecretId?: string; customTokenSecretId?: string }) {
  const client = new SecretsManagerClient({ region: 'us-east-1' });
  return { secrets: mockClient(client), check: () => checkInputSecrets(client, references) };
}

describe('the secrets of a request', () => {
  it('may be none', async () => {
    const { secrets, check } = setUp({});
    await check();
    expect(secrets.calls()).toEqual([]);
  });

  it('must be there, and are not read', async () => {
    const { secrets, check } = setUp({ passwordSecretId: password, customTokenSecretId: token });
    secrets.on(DescribeSecretCommand).resolves({});
    await check();
    expect(secrets.commandCalls(DescribeSecretCommand).map(({ args: [{ input }] }) => input.SecretId)).toEqual([
      password,
      token,
    ]);
    expect(secrets.commandCalls(GetSecretValueCommand)).toEqual([]);
  });

  it.each(['passwordSecretId', 'customTokenSecretId'])(
    'are refused by the name of %s when there is none',
    async (field) => {
      const { secrets, check } = setUp({
        passwordSecretId: password,
        customTokenSecretId: token,
        [field]: `${password}-2`,
      });
      secrets.on(DescribeSecretCommand).resolves({});
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

  it('are not there once they are scheduled for deletion', async () => {
    const { secrets, check } = setUp({ passwordSecretId: password });
    secrets.on(DescribeSecretCommand).resolves({ DeletedDate: new Date(0) });
    await expect(check()).rejects.toThrow(expect.objectContaining({ field: 'passwordSecretId' }));
  });

  it('are not taken for missing because of another error', async () => {
    const { secrets, check } = setUp({ passwordSecretId: password });
    const denied = Object.assign(new Error('not authorized'), { name: 'AccessDeniedException' });
    secrets.on(DescribeSecretCommand).rejects(denied);
    await expect(check()).rejects.toBe(denied);
  });
});
