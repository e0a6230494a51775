import { answered, fact, refused, type Step } from '../fact.ts';

// What answers of Secrets Manager have in common; `$arn` and `$first` are what the first step of a test has kept.

export const keep = { arn: 'ARN', first: 'VersionId' };
export const secret = (Name: string) => ({ ARN: '$arn', Name });
export const created = (Name: string) =>
  answered({ ARN: `arn:aws:secretsmanager:us-east-1:111111111111:secret:${Name}-<id>`, Name, VersionId: '<id>' });
export const deleted = (Name: string) => answered({ ...secret(Name), DeletionDate: '(date)' });
export const value = (
  Name: string,
  SecretString: string,
  VersionId: string,
  VersionStages: readonly string[] = ['AWSCURRENT'],
) => answered({ ...secret(Name), CreatedDate: '(date)', SecretString, VersionId, VersionStages });
export const put = (Name: string, VersionStages: readonly string[] = ['AWSCURRENT']) =>
  answered({ ...secret(Name), VersionId: '<id>', VersionStages });
export const version = (VersionId: string, VersionStages?: readonly string[]) => ({
  CreatedDate: '(date)',
  KmsKeyIds: ['DefaultEncryptionKey'],
  VersionId,
  ...(VersionStages !== undefined && { VersionStages }),
});
const versions = (Name: string, ...Versions: readonly object[]) => answered({ ...secret(Name), Versions });
export const described = (Name: string, more: object = {}) =>
  answered({ ...secret(Name), CreatedDate: '(date)', LastChangedDate: '(date)', ...more });
export const notFound = refused('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
export const noValue = (wanted: string) =>
  refused('ResourceNotFoundException', `Secrets Manager can't find the specified secret value for ${wanted}`);

/** What is done first and last in many tests. */
export const create = (Name: string, SecretString: string): Step =>
  fact('create_secret_rs_0', 'CreateSecret', { Name, SecretString }, created(Name), { keep });
export const remove = (key: string, Name: string): Step =>
  fact(key, 'DeleteSecret', { SecretId: Name, ForceDeleteWithoutRecovery: true }, deleted(Name));
export const list = (key: string, Name: string, ...all: readonly object[]): Step =>
  fact(key, 'ListSecretVersionIds', { SecretId: Name }, versions(Name, ...all));

export const deprecated = (Name: string, number: number, kept: string): Step =>
  fact(`put_secret_value_${number}`, 'PutSecretValue', { SecretId: Name, SecretString: `update${number}` }, put(Name), {
    keep: { [kept]: 'VersionId' },
  });
export const withDeprecated = (key: string, Name: string, ...all: readonly object[]): Step =>
  fact(key, 'ListSecretVersionIds', { SecretId: Name, IncludeDeprecated: true }, versions(Name, ...all));
