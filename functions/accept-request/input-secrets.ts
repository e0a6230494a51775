import {
  DescribeSecretCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { InvalidRequest } from '../shared/errors.ts';
import type { Request } from '../shared/request.ts';

/**
 * Checks that the secrets that the request refers to are there, without reading them.
 * @throws InvalidRequest naming the field
 */
export async function checkInputSecrets(secrets: SecretsManagerClient, request: Request): Promise<void> {
  for (const field of ['passwordSecretId', 'customTokenSecretId'] as const) {
    const secretId = request[field];
    if (secretId !== undefined && !(await exists(secrets, secretId))) {
      throw new InvalidRequest(field, `there is no secret ${secretId}`);
    }
  }
}

async function exists(secrets: SecretsManagerClient, secretId: string): Promise<boolean> {
  try {
    const { DeletedDate } = await secrets.send(new DescribeSecretCommand({ SecretId: secretId }));
    return DeletedDate === undefined;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false;
    throw error;
  }
}
