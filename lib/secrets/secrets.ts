import { createHash } from 'node:crypto';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  InvalidRequestException,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type * as v from 'valibot';
import { ownRole } from '../aws/own-role.ts';
import { InvalidConfiguration, SecretNotReadable } from '../errors.ts';
import { json, parseJson } from '../json.ts';
import { parse } from '../parse.ts';
import { know } from '../redact.ts';
import { requireKnownVersion, versioned } from '../versions.ts';

/** What our secrets hold that nobody else may see. */
const confidential: ReadonlySet<string> = new Set(['password', 'customToken', 'idToken', 'refreshToken']);

/** The name of a secret that may not be there yet, and the key that encrypts it then; empty: AWS's own. */
interface NewSecret {
  secretId: string;
  keyArn: string;
}

/** Lets what is confidential of a secret be hidden from every text of this run. */
function knowAll(value: unknown): void {
  for (const [name, member] of Object.entries(Object(value))) {
    if (confidential.has(name) && typeof member === 'string') know(member);
  }
}

/** A secret's name, and a version of it; default: the current one. */
interface SecretVersion {
  secretId: string;
  versionId?: string;
}

/**
 * Reads a secret that holds JSON of the given schema; undefined when there is no such secret, version or value.
 * @param toError what to throw when the content breaks the schema; it gets the field and the rule, never the content
 * @throws InvalidConfiguration by default
 * @throws SecretNotReadable naming secret and key, when Secrets Manager may not or cannot decrypt it for the function
 */
export async function readSecret<Value>(
  secrets: SecretsManagerClient,
  secret: SecretVersion,
  schema: v.GenericSchema<unknown, Value>,
  toError?: (problem: string) => Error,
): Promise<{ value: Value; versionId: string; createdAt: Date } | undefined> {
  try {
    return await readDecryptable(secrets, secret, schema, toError);
  } catch (error) {
    if (isKeyRefusal(error)) throw await notReadable(secrets, secret.secretId, error);
    throw error;
  }
}

/** The same for who knows the secret's key: what Secrets Manager throws for that is thrown as it is. */
export async function readDecryptable<Value>(
  secrets: SecretsManagerClient,
  secret: SecretVersion,
  schema: v.GenericSchema<unknown, Value>,
  toError: (problem: string) => Error = (problem) => new InvalidConfiguration(problem),
): Promise<{ value: Value; versionId: string; createdAt: Date } | undefined> {
  try {
    const { SecretString, VersionId, CreatedDate } = await secrets.send(
      new GetSecretValueCommand({ SecretId: secret.secretId, VersionId: secret.versionId }),
    );
    const invalid = (field: string, rule: string) =>
      toError(`Secret ${secret.secretId}${field === '(root)' ? '' : `, ${field}`}: ${rule}`);
    requireKnownVersion(parseJson(SecretString ?? ''), `Secret ${secret.secretId}`);
    const value = parse(json(schema), SecretString, invalid);
    knowAll(value);
    return { value, versionId: VersionId ?? '', createdAt: CreatedDate ?? new Date() };
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

/**
 * Whether Secrets Manager refuses a secret for its key's sake: the caller may not use it, or it is disabled or to be deleted. A denial
 * of Secrets Manager's own action says itself what it is about.
 */
function isKeyRefusal(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (error.name === 'AccessDeniedException') return !error.message.includes('to perform: secretsmanager:');
  return error.name === 'DecryptionFailure';
}

/** Secrets Manager's words name neither the key nor the role ("Access to KMS is not allowed"). */
async function notReadable(secrets: SecretsManagerClient, secretId: string, error: Error): Promise<SecretNotReadable> {
  const key = await secrets.send(new DescribeSecretCommand({ SecretId: secretId })).then(
    ({ KmsKeyId }) => (KmsKeyId === undefined ? "AWS's own KMS key for secrets" : `its KMS key ${KmsKeyId}`),
    () => 'its KMS key',
  );
  const reason = `${ownRole()} may not use ${key}, or that is disabled or to be deleted`;
  return new SecretNotReadable(undefined, secretId, `${reason} (${error.name}: ${error.message})`);
}

/**
 * Creates a secret.
 * @param keyArn the key that encrypts it, then and later; empty: AWS's own
 * @returns its version's id, and whether it is this one: `won` is false when the name is taken
 */
export async function createSecret(
  secrets: SecretsManagerClient,
  { secretId, keyArn }: NewSecret,
  value: object,
): Promise<{ versionId: string; won: boolean }> {
  knowAll(value);
  try {
    const { VersionId } = await secrets.send(
      new CreateSecretCommand({
        Name: secretId,
        KmsKeyId: keyArn || undefined,
        SecretString: JSON.stringify(versioned(value)),
      }),
    );
    return { versionId: VersionId ?? '', won: true };
  } catch (error) {
    if (error instanceof ResourceExistsException) return { versionId: '', won: false };
    throw error;
  }
}

/**
 * Creates a secret, or finds that it was created with this value before: the id of its version follows from its name, and Secrets Manager takes a
 * repeat with the same id for the same call (API reference, CreateSecret, ClientRequestToken).
 * @returns `other` when it has another value, `deleted` when it is scheduled for deletion
 */
export async function createOnce(
  secrets: SecretsManagerClient,
  { secretId, keyArn }: NewSecret,
  value: object,
): Promise<'created' | 'other' | 'deleted'> {
  knowAll(value);
  const SecretString = JSON.stringify(value);
  try {
    await secrets.send(
      new CreateSecretCommand({
        Name: secretId,
        KmsKeyId: keyArn || undefined,
        ClientRequestToken: uuidOf(`${secretId} `),
        SecretString,
      }),
    );
    return 'created';
  } catch (error) {
    if (error instanceof ResourceExistsException) return 'other';
    if (error instanceof InvalidRequestException && error.message.includes('scheduled for deletion')) return 'deleted';
    throw error;
  }
}

/** Stores a new version of a secret, whatever stands there. */
export async function putSecret(secrets: SecretsManagerClient, secretId: string, value: object): Promise<void> {
  knowAll(value);
  await secrets.send(new PutSecretValueCommand({ SecretId: secretId, SecretString: JSON.stringify(versioned(value)) }));
}

/**
 * Stores a value as the one successor of a version: the new version's id follows from its predecessor's, and Secrets Manager
 * takes just one value for it. Of several that do this at the same time one wins, without a lock. What was stored by `putSecret` since is
 * no successor, and is replaced.
 * @param predecessor the version id that was read; undefined when the secret had no value
 * @returns the new version's id, and whether its value is this one
 */
export async function putSuccessor(
  secrets: SecretsManagerClient,
  secretId: string,
  predecessor: string | undefined,
  value: object,
): Promise<{ versionId: string; won: boolean }> {
  const versionId = uuidOf(`${secretId} ${predecessor ?? ''}`);
  knowAll(value);
  try {
    await secrets.send(
      new PutSecretValueCommand({
        SecretId: secretId,
        ClientRequestToken: versionId,
        SecretString: JSON.stringify(versioned(value)),
      }),
    );
    return { versionId, won: true };
  } catch (error) {
    if (error instanceof ResourceExistsException) return { versionId, won: false };
    throw error;
  }
}

/** A UUID-shaped hash, as Secrets Manager wants version ids. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
