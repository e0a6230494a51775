import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  InvalidRequestException,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { STSClient } from '@aws-sdk/client-sts';
import * as v from 'valibot';
import { callerRole } from '../aws/caller-role.ts';
import { ownRole } from '../aws/own-role.ts';
import { InvalidRequest, SecretNotReadable } from '../errors.ts';
import { checkEach } from '../refusals.ts';
import { readDecryptable, readSecret } from './secrets.ts';

/** What a secret of a request holds that `passwordSecretId` names. */
export const passwordSchema = v.object({ password: v.pipe(v.string(), v.nonEmpty()) });

/** What one holds that `customTokenSecretId` names. */
export const customTokenSchema = v.object({
  customToken: v.pipe(v.string(), v.nonEmpty()),
  /** When it ends, in seconds since 1970, if that is known to who stores it; less is a duration, and would have ended long ago. */
  expiry: v.optional(v.pipe(v.number(), v.minValue(1e9), v.maxValue(1e11))),
});

/** A secret that a field of a request names. */
interface Reference {
  field: string;
  secretId: string | undefined;
  /** What it is to hold; default: that is not looked at. */
  schema?: v.GenericSchema;
}

/**
 * Checks that the secrets that a request refers to are there, can be read, and hold what they are to; nothing of it is kept. The steps
 * that need them read them again, with roles of their own. What is wrong with several is thrown as one error.
 * @throws InvalidRequest naming the fields
 * @throws SecretNotReadable naming field, secret, key and role
 */
export async function checkInputSecrets(
  { secrets, sts }: { secrets: SecretsManagerClient; sts: STSClient },
  references: readonly Reference[],
): Promise<void> {
  let role: Promise<string> | undefined;
  const roleOnce = () => {
    role ??= callerRole(sts).catch(() => 'of the function');
    return role;
  };
  await checkEach(references, async ({ field, secretId, schema }) => {
    if (secretId === undefined) return;
    let keyArn: string | undefined;
    try {
      const described = await describe(secrets, secretId);
      if (described === undefined) throw missing(field, secretId);
      if (described.isDeleted) throw scheduled(field, secretId);
      keyArn = described.keyArn;
      const toError = (problem: string) => new InvalidRequest(field, problem);
      if (schema === undefined) await requireReadable(secrets, secretId);
      else if ((await readDecryptable(secrets, { secretId }, schema, toError)) === undefined)
        throw missing(field, secretId);
    } catch (error) {
      if (error instanceof InvalidRequestException) throw scheduled(field, secretId);
      if (!isRefusal(error)) throw error;
      const reason = `role ${await roleOnce()} may not read it, or not use ${keyArn === undefined ? 'its KMS key' : `its KMS key ${keyArn}`}`;
      throw new SecretNotReadable(field, secretId, `${reason} (${error.message})`);
    }
  });
}

/**
 * Reads a secret that a request refers to.
 * @throws InvalidRequest naming the field, when the secret is not there, is scheduled for deletion, or breaks the schema
 * @throws SecretNotReadable
 */
export async function readInputSecret<Value>(
  secrets: SecretsManagerClient,
  { field, secretId }: { field: string; secretId: string },
  schema: v.GenericSchema<unknown, Value>,
): Promise<Value> {
  const toError = (problem: string) => new InvalidRequest(field, problem);
  const secret = await readSecret(secrets, { secretId }, schema, toError).catch((error: unknown) => {
    if (error instanceof SecretNotReadable) throw new SecretNotReadable(field, secretId, error.reason);
    if (error instanceof InvalidRequestException) throw scheduled(field, secretId);
    if (!isRefusal(error)) throw error;
    const reason = `${ownRole()} may not read it`;
    throw new SecretNotReadable(field, secretId, `${reason} (${error.message})`);
  });
  if (secret === undefined) throw missing(field, secretId);
  return secret.value;
}

const missing = (field: string, secretId: string) => new InvalidRequest(field, `there is no secret ${secretId}`);

/** Such a secret keeps its name: it can be neither made nor written anew. GetSecretValue's `InvalidRequestException` says nothing else. */
const scheduled = (field: string, secretId: string) =>
  new InvalidRequest(
    field,
    `secret ${secretId} is scheduled for deletion: restore it (aws secretsmanager restore-secret), or name another one`,
  );

/** Reads a secret, whatever it holds, also nothing yet. */
async function requireReadable(secrets: SecretsManagerClient, secretId: string): Promise<void> {
  try {
    await secrets.send(new GetSecretValueCommand({ SecretId: secretId }));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
}

/** Whether Secrets Manager refuses a secret for its own or its key's sake: "Access to KMS is not allowed", for one. */
function isRefusal(error: unknown): error is Error {
  return error instanceof Error && ['AccessDeniedException', 'DecryptionFailure'].includes(error.name);
}

/** The key of a secret, which is undefined for AWS's own, and whether it is scheduled for deletion; undefined when there is no such secret. */
async function describe(
  secrets: SecretsManagerClient,
  secretId: string,
): Promise<{ keyArn: string | undefined; isDeleted: boolean } | undefined> {
  try {
    const { DeletedDate, KmsKeyId } = await secrets.send(new DescribeSecretCommand({ SecretId: secretId }));
    return { keyArn: KmsKeyId, isDeleted: DeletedDate !== undefined };
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}
