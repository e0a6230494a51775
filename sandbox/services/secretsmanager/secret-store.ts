import { randomInt } from 'node:crypto';
import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import { AwsError } from '../../core/operation.ts';

export type Tags = Readonly<Record<string, string>>;

export interface Version {
  id: string;
  value: string;
  createdAt: number;
  stages: Set<string>;
}

export interface Secret {
  name: string;
  arn: string;
  description: string | undefined;
  tags: Tags;
  /** The customer managed key that it is encrypted with; absent for that of AWS. */
  kmsKeyId: string | undefined;
  createdAt: number;
  changedAt: number;
  accessedAt: number | undefined;
  /** When the secret goes for good; until then it can be restored. */
  deletionDate: number | undefined;
  versions: Map<string, Version>;
}

export interface SecretStore {
  /** The secret of a name, an ARN, or an ARN without its suffix, also when it is scheduled for deletion. */
  find(id: string): Secret | undefined;
  /** All secrets, oldest first; those that are scheduled for deletion only when they are asked for. */
  all(withDeleted: boolean): Secret[];
  /** Like `find`; throws ResourceNotFoundException. */
  existing(id: string): Secret;
  /** Like `existing`; throws InvalidRequestException for a secret that is scheduled for deletion. */
  usable(id: string): Secret;
  /** Throws ResourceExistsException, or InvalidRequestException when the name's secret is scheduled for deletion. */
  add(name: string, tags: Tags, rest?: { description?: string | undefined; kmsKeyId?: string | undefined }): Secret;
  /** Every value that was ever stored. */
  everyValue(): readonly string[];
  /**
   * Idempotent for the same id and value; throws ResourceExistsException for the same id with another value, and
   * LimitExceededException when the secret has as many versions as it may and none of them can be removed.
   */
  putVersion(secret: Secret, id: string, value: string, stages: readonly string[]): Version;
}

/** The secrets of the account, by name. */
export function createSecretStore(clock: Clock, home: AccountRegion = account): SecretStore {
  const arnPrefix = secretArnPrefix(home);
  const secrets = new Map<string, Secret>();
  const values = new Set<string>();

  // Looked at when read, not by a timer: a clock that skips idle time would run straight to the end of the window.
  function present(secret: Secret | undefined): Secret | undefined {
    if (secret?.deletionDate === undefined || secret.deletionDate > clock.now()) return secret;
    secrets.delete(secret.name);
    return undefined;
  }

  function find(id: string) {
    if (!id.startsWith('arn:')) return present(secrets.get(id));
    const complete = present([...secrets.values()].find(({ arn }) => arn === id));
    // AWS takes a partial ARN whose name ends in a hyphen and six characters for a complete one, and does not find it.
    if (complete !== undefined || suffix.test(id)) return complete;
    return id.startsWith(arnPrefix) ? present(secrets.get(id.slice(arnPrefix.length))) : undefined;
  }

  function existing(id: string) {
    const secret = find(id);
    if (secret !== undefined) return secret;
    throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  }

  return {
    find,
    all: (withDeleted) =>
      [...secrets.values()].filter((secret) => present(secret) && (withDeleted || secret.deletionDate === undefined)),
    existing,
    everyValue: () => [...values],
    usable(id) {
      const secret = existing(id);
      if (secret.deletionDate === undefined) return secret;
      throw new AwsError(
        'InvalidRequestException',
        "You can't perform this operation on the secret because it was marked for deletion.",
      );
    },
    add(name, tags, { description, kmsKeyId } = {}) {
      const other = find(name);
      if (other?.deletionDate !== undefined) {
        throw new AwsError(
          'InvalidRequestException',
          "You can't create this secret because a secret with this name is already scheduled for deletion.",
        );
      }
      if (other !== undefined) {
        throw new AwsError(
          'ResourceExistsException',
          `The operation failed because the secret ${name} already exists.`,
        );
      }
      const now = clock.now();
      const secret: Secret = {
        name,
        arn: `${arnPrefix}${name}-${randomSuffix()}`,
        description,
        tags,
        kmsKeyId,
        createdAt: now,
        changedAt: now,
        accessedAt: undefined,
        deletionDate: undefined,
        versions: new Map(),
      };
      secrets.set(name, secret);
      return secret;
    },
    putVersion(secret, id, value, stages) {
      const known = secret.versions.get(id);
      if (known?.value === value) return known;
      if (known !== undefined) {
        throw new AwsError(
          'ResourceExistsException',
          `You can't use ClientRequestToken ${id} because that value is already in use for a version of secret ${secret.arn}.`,
        );
      }
      makeRoom(secret, clock.now());
      const version: Version = { id, value, createdAt: clock.now(), stages: new Set() };
      // The first version is the current one whatever was asked for.
      const labels = new Set(secret.versions.size === 0 ? ['AWSCURRENT', ...stages] : stages);
      secret.versions.set(id, version);
      values.add(value);
      for (const label of labels) moveLabel(secret, label, version);
      secret.changedAt = version.createdAt;
      return version;
    },
  };
}

const day = 24 * 60 * 60 * 1000;

/**
 * How many versions a secret may have: "~100" (user guide, "AWS Secrets Manager quotas"). When more are needed, those without a staging
 * label go, oldest first, but none that is younger than a day.
 */
const maxVersions = 100;

function makeRoom(secret: Secret, now: number) {
  for (const { id, stages, createdAt } of secret.versions.values()) {
    if (secret.versions.size < maxVersions) return;
    if (stages.size === 0 && createdAt <= now - day) secret.versions.delete(id);
  }
  if (secret.versions.size < maxVersions) return;
  // The words of the service model: what AWS says in this case is not recorded anywhere.
  throw new AwsError(
    'LimitExceededException',
    'The request failed because it would exceed one of the Secrets Manager quotas.',
  );
}

/** The name of a staging label is on one version; the one that was current becomes the previous one. */
function moveLabel(secret: Secret, label: string, version: Version) {
  const holder = [...secret.versions.values()].find(({ stages }) => stages.has(label));
  holder?.stages.delete(label);
  version.stages.add(label);
  if (label === 'AWSCURRENT' && holder !== undefined) moveLabel(secret, 'AWSPREVIOUS', holder);
}

const secretArnPrefix = ({ region, accountId }: AccountRegion) =>
  `arn:aws:secretsmanager:${region}:${accountId}:secret:`;
const suffix = /-[A-Za-z0-9]{6}$/;
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const randomSuffix = () => Array.from({ length: 6 }, () => letters.charAt(randomInt(letters.length))).join('');

/** The ARN that IAM decides about when there is no secret yet: a policy can name its suffix only as `-??????`. */
export function expectedArn(id: string, home: AccountRegion): string {
  if (!id.startsWith('arn:')) return `${secretArnPrefix(home)}${id}-AbCdEf`;
  return suffix.test(id) ? id : `${id}-AbCdEf`;
}

/** The version of a secret with this label. */
export const staged = (secret: Secret, stage: string): Version | undefined =>
  [...secret.versions.values()].find(({ stages }) => stages.has(stage));
