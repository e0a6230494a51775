import { InvalidRequestException, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Difference } from '../errors.ts';
import type { Sent } from './credentials.ts';
import { passwordSchema, readInputSecret } from './input-secrets.ts';
import { readSecret } from './secrets.ts';

/** The password that was sent to InfinStor, or will be; undefined when the secret that held it is gone. */
export async function passwordOf(
  secrets: SecretsManagerClient,
  { password, passwordSecretId }: Sent,
): Promise<string | undefined> {
  if (passwordSecretId === undefined) return password;
  try {
    return (await readSecret(secrets, { secretId: passwordSecretId }, passwordSchema))?.value.password;
  } catch (error) {
    // Secrets Manager's error for a secret that is scheduled for deletion.
    if (error instanceof InvalidRequestException) return undefined;
    throw error;
  }
}

/**
 * Which fields of a request say something else than what was sent to InfinStor. What is not known cannot differ:
 * the password of a subscriber whose token a person has supplied, for one.
 * @param kept what was sent, and where that lacks the e-mail address, the one that the registry has
 * @throws InvalidRequest when the secret that the request names is gone, or breaks the schema
 */
export async function differencesFrom(
  secrets: SecretsManagerClient,
  request: { emailId: string; passwordSecretId: string | undefined },
  kept: { sent: Sent; emailId?: string | undefined },
): Promise<Difference[]> {
  const { sent } = kept;
  const emailId = sent.emailId ?? kept.emailId ?? request.emailId;
  const found: Difference[] = emailId === request.emailId ? [] : [{ field: 'subscriber.emailId', kept: emailId }];
  const { passwordSecretId } = request;
  if (passwordSecretId === undefined) return found;
  const keptPassword = await passwordOf(secrets, sent);
  if (keptPassword === undefined) return found;
  const input = { field: 'passwordSecretId', secretId: passwordSecretId };
  const { password } = await readInputSecret(secrets, input, passwordSchema);
  if (password !== keptPassword) found.push({ field: 'passwordSecretId' });
  return found;
}
