import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as v from 'valibot';
import { InvalidConfiguration } from '../errors.ts';
import { readSecret } from './secrets.ts';

const superadminSchema = v.object({ userName: v.string(), password: v.string() });

interface Names {
  SUPERADMIN_SECRET_ID: string;
  SUPERADMIN_USER_NAME: string;
}

/**
 * The superadmin's name and password, from the secret that the operator makes, and the version of the secret that has them.
 * @throws InvalidConfiguration when there is no such secret, it has another form, or the name is not the param's
 * @throws SecretNotReadable
 */
export async function readSuperadmin(
  secrets: SecretsManagerClient,
  { SUPERADMIN_SECRET_ID: secretId, SUPERADMIN_USER_NAME }: Names,
): Promise<{ userName: string; password: string; passwordVersionId: string }> {
  const secret = await readSecret(secrets, { secretId }, superadminSchema);
  if (secret === undefined) throw new InvalidConfiguration(`Secret ${secretId}: there is no such secret`);
  // Requests are checked against the param: with another name there, somebody could be given the superadmin's.
  if (secret.value.userName.toLowerCase() !== SUPERADMIN_USER_NAME.toLowerCase()) {
    throw new InvalidConfiguration(
      `Secret ${secretId}, userName: is not the param superadminUserName, ${SUPERADMIN_USER_NAME}`,
    );
  }
  return { ...secret.value, passwordVersionId: secret.versionId };
}
