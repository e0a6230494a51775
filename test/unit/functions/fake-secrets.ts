import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';

interface Version {
  versionId: string;
  text: string;
}

/** What a version that a test begins with is called. */
export const firstVersionId = 'version-1';

/** Puts a Secrets Manager in memory in the client's place, with these secrets; one whose value is null has no version yet. */
export function fakeSecrets(initial: Record<string, unknown>) {
  const stored = new Map<string, Version[]>();
  for (const [secretId, value] of Object.entries(initial)) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    stored.set(secretId, value === null ? [] : [{ versionId: firstVersionId, text }]);
  }
  const versions = (secretId = '') => {
    const found = stored.get(secretId);
    if (found === undefined) throw new ResourceNotFoundException({ message: `no ${secretId}`, $metadata: {} });
    return found;
  };
  const current = (secretId: string) => withoutVersion(JSON.parse(versions(secretId).at(-1)?.text ?? 'null'));
  const currentVersionId = (secretId: string) => versions(secretId).at(-1)?.versionId;
  const written: unknown[] = [];
  const add = (secretId: string, { SecretString: text = '', ClientRequestToken }: NewVersion) => {
    const versionId = ClientRequestToken ?? `version-${versions(secretId).length + 1}`;
    const known = versions(secretId).find((version) => version.versionId === versionId);
    // Secrets Manager ignores a repeated request, and refuses another value for the same version.
    if (known?.text === text) return { VersionId: versionId };
    if (known !== undefined) throw new ResourceExistsException({ message: `${versionId} exists`, $metadata: {} });
    versions(secretId).push({ versionId, text });
    written.push(current(secretId));
    return { VersionId: versionId };
  };

  const client = mockClient(SecretsManagerClient);
  client.on(DescribeSecretCommand).callsFake(({ SecretId }) => ({ Name: SecretId, VersionIds: versions(SecretId) }));
  client.on(GetSecretValueCommand).callsFake(({ SecretId, VersionId }) => {
    const version = versions(SecretId).findLast(({ versionId }) => versionId === (VersionId ?? versionId));
    if (version === undefined) throw new ResourceNotFoundException({ message: `no version`, $metadata: {} });
    // Old enough for everything to have settled, unless a test says otherwise.
    return { SecretString: version.text, VersionId: version.versionId, CreatedDate: new Date(0) };
  });
  client.on(ListSecretVersionIdsCommand).callsFake(({ SecretId }) => ({
    Versions: versions(SecretId).map(({ versionId }) => ({ VersionId: versionId, CreatedDate: new Date(0) })),
  }));
  client.on(CreateSecretCommand).callsFake(({ Name, ...version }) => {
    if (stored.has(Name)) throw new ResourceExistsException({ message: `${Name} exists`, $metadata: {} });
    stored.set(Name, []);
    return add(Name, version);
  });
  client.on(PutSecretValueCommand).callsFake(({ SecretId, ...version }) => add(SecretId, version));
  const put = (secretId: string, value: object) =>
    void stored.set(secretId, [{ versionId: firstVersionId, text: JSON.stringify(value) }]);
  const remove = (secretId: string) => void stored.delete(secretId);
  return { client, current, currentVersionId, written, add, put, remove };
}

/** What a secret says beside the version of its data, which every write has (test/unit/lib/secrets/secrets.test.ts). */
function withoutVersion(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { schemaVersion: _, ...rest }: { schemaVersion?: unknown } = { ...value };
  return rest;
}

interface NewVersion {
  SecretString?: string | undefined;
  ClientRequestToken?: string | undefined;
}
