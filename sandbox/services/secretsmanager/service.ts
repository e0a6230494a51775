import { randomUUID } from 'node:crypto';
import { type AccountRegion, account } from '../../core/account.ts';
import type { Clock } from '../../core/clock.ts';
import type { Service } from '../../core/operation.ts';
import type { Kms } from '../kms/service.ts';
import { secretOperations } from './operations.ts';
import { createSecretStore, staged, type Tags } from './secret-store.ts';

export interface SecretsManager {
  service: Service;
  /**
   * Creates a secret and returns its ARN; without a value it has no version yet. `kmsKeyId` is the ARN of a customer managed key, which
   * is not asked whether it may be used. Throws when the name is taken.
   */
  createSecret(name: string, value?: string, tags?: Tags, kmsKeyId?: string): string;
  /** Gives a secret another key, which is not asked; undefined: AWS's own. Throws when there is no such secret. */
  setKey(name: string, kmsKeyId: string | undefined): void;
  /** Deletes a secret immediately. Throws when there is none. */
  deleteSecret(name: string): void;
  /** The current value; undefined when there is no such secret, or none with a value, or it is scheduled for deletion. */
  value(name: string): string | undefined;
  /** Every value that was ever stored, of deleted secrets, too. */
  everyValue(): readonly string[];
  /** How many versions of each secret are younger than a day, and so cannot be removed, by the secrets' names. */
  youngVersions(): ReadonlyMap<string, number>;
}

/**
 * Secrets Manager with string secrets, version stages and scheduled deletion. The rules are those of the API reference:
 * https://docs.aws.amazon.com/secretsmanager/latest/apireference/
 */
export function createSecretsManager({
  clock,
  kms,
  home = account,
}: {
  clock: Clock;
  /** Default: no secret can be encrypted with a customer managed key. */
  kms?: Pick<Kms, 'useAccess'>;
  home?: AccountRegion;
}): SecretsManager {
  const store = createSecretStore(clock, home);
  return {
    service: { name: 'secretsmanager', protocol: 'json', operations: secretOperations({ clock, store, kms, home }) },
    everyValue: store.everyValue,
    youngVersions: () =>
      new Map(
        store.all(true).map(({ name, versions }) => {
          const young = [...versions.values()].filter(({ createdAt }) => createdAt > clock.now() - 24 * 60 * 60 * 1000);
          return [name, young.length];
        }),
      ),
    createSecret(name, value, tags = {}, kmsKeyId) {
      const secret = store.add(name, tags, { kmsKeyId });
      if (value !== undefined) store.putVersion(secret, randomUUID(), value, ['AWSCURRENT']);
      return secret.arn;
    },
    setKey(name, kmsKeyId) {
      store.existing(name).kmsKeyId = kmsKeyId;
    },
    deleteSecret(name) {
      store.existing(name).deletionDate = clock.now();
    },
    value(name) {
      const secret = store.find(name);
      return secret?.deletionDate === undefined ? secret && staged(secret, 'AWSCURRENT')?.value : undefined;
    },
  };
}
