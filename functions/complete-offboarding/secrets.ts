import {
  DeleteSecretCommand,
  InvalidRequestException,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { problemsOfEach } from '../../lib/each.ts';
import { secretNames } from '../../lib/secrets/folder.ts';

/**
 * Schedules the deletion of every secret in a folder.
 * @param requireOwn throws when the secrets are another execution's by now; asked before each, as DeleteSecret knows no condition
 * @returns the names of all that are scheduled, from before, too
 */
export async function deleteSecrets(
  secrets: SecretsManagerClient,
  folder: string,
  { recoveryDays, requireOwn }: { recoveryDays: number; requireOwn: () => Promise<unknown> },
): Promise<string[]> {
  // The list may be minutes old (API reference, ListSecrets); the one secret that every subscriber has is asked for by its name.
  const names = new Set([
    `${folder}credentials`,
    ...(await secretNames(secrets, folder, { isPlannedDeletionIncluded: true })),
  ]);
  const deleted: string[] = [];
  const [problem] = await problemsOfEach([...names].sort(), async (name) => {
    await requireOwn();
    if (await deleteSecret(secrets, name, recoveryDays)) deleted.push(name);
  });
  // As it is, since the machine retries errors by their names. A repeat returns those that this one has deleted, too.
  if (problem !== undefined) throw problem;
  return deleted;
}

/** @returns false when there is no such secret */
async function deleteSecret(secrets: SecretsManagerClient, name: string, recoveryDays: number): Promise<boolean> {
  try {
    await secrets.send(new DeleteSecretCommand({ SecretId: name, RecoveryWindowInDays: recoveryDays }));
    return true;
  } catch (error) {
    // Secrets Manager's error for a secret that is scheduled for deletion.
    if (error instanceof InvalidRequestException) return true;
    if (error instanceof ResourceNotFoundException) return false;
    throw error;
  }
}
