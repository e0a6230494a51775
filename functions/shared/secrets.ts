import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type * as v from 'valibot';
import { InvalidConfiguration } from './errors.ts';
import { json } from './json.ts';
import { parse } from './step.ts';

/**
 * Reads a secret that holds JSON of the given schema; undefined when there is no such secret, version or value.
 * @throws InvalidConfiguration naming the secret and the field that breaks the schema, never its content
 */
export async function readSecret<Value>(
  secrets: SecretsManagerClient,
  secret: { secretId: string; versionId?: string },
  schema: v.GenericSchema<unknown, Value>,
): Promise<{ value: Value; versionId: string } | undefined> {
  try {
    const { SecretString, VersionId } = await secrets.send(
      new GetSecretValueCommand({ SecretId: secret.secretId, VersionId: secret.versionId }),
    );
    const invalid = (field: string, rule: string) =>
      new InvalidConfiguration(`Secret ${secret.secretId}, ${field}: ${rule}`);
    return { value: parse(json(schema), SecretString, invalid), versionId: VersionId ?? '' };
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

/** Creates a secret; false when one of this name exists already. */
export async function createSecret(secrets: SecretsManagerClient, secretId: string, value: object): Promise<boolean> {
  try {
    await secrets.send(new CreateSecretCommand({ Name: secretId, SecretString: JSON.stringify(value) }));
    return true;
  } catch (error) {
    if (error instanceof ResourceExistsException) return false;
    throw error;
  }
}

/** Stores a new version of a secret and returns the version's id. */
export async function putSecret(secrets: SecretsManagerClient, secretId: string, value: object): Promise<string> {
  const { VersionId } = await secrets.send(
    new PutSecretValueCommand({ SecretId: secretId, SecretString: JSON.stringify(value) }),
  );
  return VersionId ?? '';
}
