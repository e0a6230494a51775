import {
  DescribeSecretCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { InvalidRequest } from '../errors.ts';
import { readSecret } from './secrets.ts';

/** What a secret of a request holds that `passwordSecretId` names. */
export const passwordSchema = v.object({ password: v.pipe(v.string(), v.nonEmpty()) });

/**
 * Checks that the secrets that a request refers to are there, without reading them.
 * @param references by the fields that name them
 * @throws InvalidRequest naming the field
 */
export async function checkInputSecrets(
  secrets: SecretsManagerClient,
  references: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  for (const [field, secretId] of Object.entries(references)) {
    if (secretId !== undefined && !(await exists(secrets, secretId))) throw missing(field, secretId);
  }
}

/**
 * Reads a secret that a request refers to.
 * @throws InvalidRequest naming the field, when the secret is not there or breaks the schema
 */
export async function readInputSecret<Value>(
  secrets: SecretsManagerClient,
  { field, secretId }: { field: string; secretId: string },
  schema: v.GenericSchema<unknown, Value>,
): Promise<Value> {
  const secret = await readSecret(secrets, { secretId }, schema, (problem) => new InvalidRequest(field, problem));
  if (secret === undefined) throw missing(field, secretId);
  return secret.value;
}

const missing = (field: string, secretId: string) => new InvalidRequest(field, `there is no secret ${secretId}`);

async function exists(secrets: SecretsManagerClient, secretId: string): Promise<boolean> {
  try {
    const { DeletedDate } = await secrets.send(new DescribeSecretCommand({ SecretId: secretId }));
    return DeletedDate === undefined;
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return false;
    throw error;
  }
}
