import { randomBytes } from 'node:crypto';
import type { AccountRegion } from '../../core/account.ts';
import { type Clock, isoSeconds } from '../../core/clock.ts';
import { type Access, AwsError, type Caller, type PolicyDocument } from '../../core/operation.ts';
import { decide } from '../../core/policies/policy.ts';
import {
  effective,
  type KeyPolicy,
  malformed,
  mapAwsPrincipals,
  type Principals,
  parseKeyPolicy,
} from './key-policy.ts';
import { requireTags, type Tags } from './tags.ts';

export interface KeyDefinition {
  arn: string;
  tags: Tags;
  /** Default: what the console writes, which leaves the key to the account's identity policies. */
  policy?: PolicyDocument;
  state?: 'Enabled' | 'Disabled' | 'PendingDeletion';
  description?: string;
  keySpec?: string;
  keyUsage?: string;
  keyManager?: 'CUSTOMER' | 'AWS';
}

/** Its policy as text, which KMS limits and parses. */
type NewKey = Omit<KeyDefinition, 'policy'> & { policy: string | undefined };

export interface Key extends Required<Omit<KeyDefinition, 'policy'>> {
  keyId: string;
  /** Of the cryptography that it would have. */
  materialId: string;
  creationDate: Date;
  policy: BoundPolicy;
  /** What was in force before, oldest first, with the times when it was replaced. */
  replaced: readonly { policy: BoundPolicy; at: number }[];
  reads: number;
  /** Of a scheduled deletion, in milliseconds since the epoch. */
  deletionDate?: number;
}

interface BoundPolicy {
  /** Roles and users stand in it by their unique ids: a role made again under the same name is another principal. */
  document: KeyPolicy;
  /** The ARN that each unique id in the document had when it was written. */
  arns: ReadonlyMap<string, string>;
}

export interface KeyStore {
  /** The ARN of a key of this account and Region. */
  arnOf(keyId: string): string;
  /** Finds a key as KMS operations do that take a key id or key ARN, but no alias. @throws AwsError NotFoundException, AccessDeniedException */
  find(keyId: string): Key;
  /** Like `find`; throws KMSInvalidStateException for a key that is pending deletion. */
  usable(keyId: string): Key;
  /** The key of this ARN; undefined also when its deletion has come due. */
  present(arn: string): Key | undefined;
  /** All keys, oldest first. */
  all(): Key[];
  /**
   * Adds a key with what `definition` leaves out.
   * @param by who must be able to change the policy afterwards; default: nobody need
   * @throws AwsError as PutKeyPolicy for a policy that KMS refuses; TagException; AlreadyExistsException for a second key of this ARN
   */
  add(definition: NewKey, by?: Caller): Key;
  /** @throws AwsError as PutKeyPolicy for a policy that KMS refuses, or that locks the caller out */
  replacePolicy(key: Key, policy: string, by: Caller): void;
  /** The policy in force, in the order in which it was written: principals that still exist by ARN, the others by their unique ids. */
  policyOf(key: Key): KeyPolicy;
  /** The policy that a reader gets: the one in force, or an earlier one as far as `delayReads` allows. */
  readPolicy(key: Key): KeyPolicy;
  /** See `Kms`. */
  delayReads(milliseconds: number, random: () => number): void;
  /** What IAM is asked about an action on a key. */
  accessTo(key: Key, action: string, caller: Caller, context?: Access['context']): Access;
}

/** Recorded: 32 digits without hyphens, and anything else, are no id. */
const keyIdPattern = /^(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

interface Parts {
  clock: Clock;
  iam: Principals;
  home: AccountRegion;
}

/** The keys of an account in a Region, by ARN, with the policies that they have and had. */
export function createKeyStore({ clock, iam, home }: Parts): KeyStore {
  const arnPrefix = `arn:aws:kms:${home.region}:${home.accountId}:`;
  const arnOf = (keyId: string) => `${arnPrefix}key/${keyId}`;
  const keys = new Map<string, Key>();
  let readDelay: { milliseconds: number; random: () => number } = { milliseconds: 0, random: Math.random };

  function present(arn: string): Key | undefined {
    const key = keys.get(arn);
    if (key?.deletionDate !== undefined && key.deletionDate <= clock.now()) keys.delete(arn);
    return keys.get(arn);
  }

  function find(keyId: string): Key {
    const arn = keyId.startsWith('arn:') ? keyId : arnOf(keyId);
    const name = arn.slice(arnPrefix.length);
    const [, , , region, accountId] = arn.split(':');
    if (region !== home.region) throw notFound(`Invalid arn ${region ?? ''}`);
    // A key of another account is used by its policy alone, which is another world here.
    if (accountId !== home.accountId) throw foreignKey(arn);
    if (keyId.startsWith('alias/') || name.startsWith('alias/')) throw notFound(`Invalid keyId ${keyId}`);
    const key = present(arn);
    if (key !== undefined) return key;
    const isKeyId = name.startsWith('key/') && keyIdPattern.test(name.slice('key/'.length));
    throw notFound(isKeyId ? `Key '${arn}' does not exist` : `Invalid keyId '${keyId}'`);
  }

  function bind(policy: KeyPolicy): BoundPolicy {
    const arns = new Map<string, string>();
    const document = mapAwsPrincipals(policy, (principal) => {
      const id = iam.principalId(principal);
      if (id !== undefined) arns.set(id, principal);
      // KMS shows an account that was written as a bare id by its root ARN.
      return id ?? (/^\d{12}$/.test(principal) ? rootArn(principal) : principal);
    });
    return { document, arns };
  }

  function unbind({ document, arns }: BoundPolicy): KeyPolicy {
    return mapAwsPrincipals(document, (principal) => {
      const arn = arns.get(principal);
      return arn !== undefined && iam.principalId(arn) === principal ? arn : principal;
    });
  }

  function accessTo(key: Key, action: string, caller: Caller, context: Access['context'] = {}): Access {
    const tags = Object.entries(key.tags).map(([name, value]) => [`aws:ResourceTag/${name}`, value]);
    const time = {
      'aws:CurrentTime': isoSeconds(clock.now()),
      'aws:EpochTime': String(Math.floor(clock.now() / 1000)),
    };
    return {
      action,
      resource: key.arn,
      context: { ...Object.fromEntries(tags), ...time, 'kms:CallerAccount': caller.accountId, ...context },
      resourceAccountId: home.accountId,
      resourcePolicy: effective(unbind(key.policy)),
      identityPolicySuffices: false,
    };
  }

  function requireNoLockout(key: Key, caller: Caller): void {
    if (decide(caller, accessTo(key, 'kms:PutKeyPolicy', caller)).allowed) return;
    throw malformed('The new key policy will not allow you to update the key policy in the future.');
  }

  return {
    arnOf,
    find,
    usable(keyId) {
      const key = find(keyId);
      if (key.state !== 'PendingDeletion') return key;
      throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`);
    },
    present,
    all: () => [...keys.keys()].flatMap((arn) => present(arn) ?? []),
    add({ policy = consolePolicy(home.accountId), ...definition }, by) {
      const { arn } = definition;
      requireTags(definition.tags);
      if (keys.has(arn)) throw new AwsError('AlreadyExistsException', `Key '${arn}' already exists`);
      const key: Key = {
        state: 'Enabled',
        description: '',
        keySpec: 'SYMMETRIC_DEFAULT',
        keyUsage: 'ENCRYPT_DECRYPT',
        keyManager: 'CUSTOMER',
        ...definition,
        keyId: arn.slice(arnOf('').length),
        materialId: randomBytes(32).toString('hex'),
        creationDate: new Date(clock.now()),
        reads: 0,
        policy: bind(parseKeyPolicy(policy, iam)),
        replaced: [],
      };
      if (by !== undefined) requireNoLockout(key, by);
      keys.set(arn, key);
      return key;
    },
    replacePolicy(key, policy, by) {
      const replaced = [...key.replaced, { policy: key.policy, at: clock.now() }];
      const changed = { ...key, policy: bind(parseKeyPolicy(policy, iam)), replaced };
      requireNoLockout(changed, by);
      keys.set(key.arn, changed);
    },
    policyOf: ({ policy }) => unbind(policy),
    readPolicy({ policy, replaced }) {
      const since = clock.now() - readDelay.milliseconds;
      const readable = [...replaced.filter(({ at }) => at > since).map((earlier) => earlier.policy), policy];
      return unbind(readable[Math.floor(readDelay.random() * readable.length)] ?? policy);
    },
    delayReads(milliseconds, random) {
      readDelay = { milliseconds, random };
    },
    accessTo,
  };
}

/** The policy that the console gives a new key when no administrators and users are chosen. */
const consolePolicy = (accountId: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Id: 'key-consolepolicy-3',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: rootArn(accountId) },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  });

function rootArn(accountId: string): string {
  return `arn:aws:iam::${accountId}:root`;
}

const notFound = (message: string) => new AwsError('NotFoundException', message);

const foreignKey = (arn: string) =>
  new AwsError(
    'AccessDeniedException',
    `The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access: ${arn}`,
  );
