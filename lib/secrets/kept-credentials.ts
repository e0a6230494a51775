import { InvalidRequestException, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Difference } from '../errors.ts';
import type { Credentials } from './credentials.ts';
import { passwordSchema, readInputSecret } from './input-secrets.ts';
import { readSecret } from './secrets.ts';

/** The password that was sent to InfinStor, or will be; undefined when the secret that held it is gone. */
export async function passwordOf(secrets: SecretsManagerClient, credentials: Credentials): Promise<string | undefined> {
  if (!('passwordSecretId' in credentials) || credentials.passwordSecretId === undefined) return credentials.password;
  try {
    return (await readSecret(secrets, { secretId: credentials.passwordSecretId }, passwordSchema))?.value.password;
  } catch (error) {
    // Secrets Manager's error for a secret that is scheduled for deletion.
    if (error instanceof InvalidRequestException) return undefined;
    throw error;
  }
}

/**
 * Which fields of a request say something else than the credentials that were sent to InfinStor. What is not known cannot differ:
 * the password of a subscriber whose token a person has supplied, for one.
 * @param kept the credentials, and where they lack the e-mail address, the one that the registry has
 * @throws InvalidRequest when the secret that the request names is gone, or breaks the schema
 */
export async function differencesFrom(
  secrets: SecretsManagerClient,
  request: { emailId: string; passwordSecretId: string | undefined },
  kept: { credentials: Exclude<Credentials, { state: 'prepared' }>; emailId?: string | undefined },
): Promise<Difference[]> {
  const { credentials } = kept;
  const emailId = credentials.emailId ?? kept.emailId ?? request.emailId;
  const found: Difference[] = emailId === request.emailId ? [] : [{ field: 'subscriber.emailId', kept: emailId }];
  const { passwordSecretId } = request;
  if (passwordSecretId === undefined) return found;
  const keptPassword = await passwordOf(secrets, credentials);
  if (keptPassword === undefined) return found;
  const input = { field: 'passwordSecretId', secretId: passwordSecretId };
  const { password } = await readInputSecret(secrets, input, passwordSchema);
  if (password !== keptPassword) found.push({ field: 'passwordSecretId' });
  return found;
}
