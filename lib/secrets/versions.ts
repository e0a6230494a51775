import { paginateListSecretVersionIds, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SecretFull } from '../errors.ts';

const day = 24 * 60 * 60_000;

/**
 * How many versions a secret may have that cannot be removed, before what needs certain room is refused. About 100 are allowed, and
 * Secrets Manager removes those that have no staging label and are older than a day (user guide, "AWS Secrets Manager quotas").
 */
const maxKept = 90;

/**
 * Requires that some more versions of a secret can be stored: what InfinStor answers could not be had a second time.
 * @throws SecretFull with the time when there is room again
 */
export async function requireRoom(secrets: SecretsManagerClient, secretId: string, now: Date): Promise<void> {
  const young: number[] = [];
  let labelled = 0;
  const pages = paginateListSecretVersionIds(
    { client: secrets, pageSize: 100 },
    { SecretId: secretId, IncludeDeprecated: true },
  );
  for await (const { Versions = [] } of pages) {
    for (const { CreatedDate = now, VersionStages = [] } of Versions) {
      if (CreatedDate.getTime() > now.getTime() - day) young.push(CreatedDate.getTime());
      else if (VersionStages.length > 0) labelled += 1;
    }
  }
  const kept = young.length + labelled;
  if (kept <= maxKept) return;
  const oldest = young.toSorted((a, b) => a - b)[kept - maxKept - 1] ?? now.getTime();
  throw new SecretFull(secretId, kept, new Date(oldest + day).toISOString());
}
