import { paginateListSecrets, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';

/**
 * The names of the secrets in a folder. The list may be minutes old (API reference, ListSecrets).
 * @param folder with the slash at the end
 */
export async function secretNames(
  secrets: SecretsManagerClient,
  folder: string,
  { isPlannedDeletionIncluded }: { isPlannedDeletionIncluded: boolean },
): Promise<string[]> {
  const names: string[] = [];
  const pages = paginateListSecrets(
    { client: secrets },
    { Filters: [{ Key: 'name', Values: [folder] }], IncludePlannedDeletion: isPlannedDeletionIncluded },
  );
  for await (const { SecretList = [] } of pages) {
    for (const { Name } of SecretList) if (Name?.startsWith(folder)) names.push(Name);
  }
  return names;
}
