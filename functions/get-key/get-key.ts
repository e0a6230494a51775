import type { KMSClient } from '@aws-sdk/client-kms';
import { type AccountRegion, arnOwner, parseKeyArn } from '../../lib/aws/arns.ts';
import { InvalidRequest } from '../../lib/errors.ts';
import type { Drift } from '../../lib/keys/drift/drift.ts';
import { type Look, lookAtKey, lookBackMs } from '../../lib/keys/drift/look.ts';
import { type Grant, readGrants } from '../../lib/keys/grants.ts';
import { grantees, type KeyAccess, statementsNaming } from '../../lib/keys/key-policy.ts';
import { readLease } from '../../lib/keys/lease.ts';
import { countPolicyBackups } from '../../lib/keys/policy-backups.ts';
import { readReservations } from '../../lib/keys/reservations.ts';
import { type KeyRoom, keyRoom, roleArnsBeside } from '../../lib/keys/room/room.ts';
import type { Registry } from '../../lib/registry/table.ts';

interface Dependencies {
  registry: Registry;
  kms: (home: AccountRegion) => KMSClient;
  access: KeyAccess;
  roleNames: { ROLE_PATH: string; ROLE_NAME_PREFIX: string };
  /** Where keys of requests may be. */
  homes: readonly AccountRegion[];
  /** An ARN of the deployment, which says the partition. */
  ownArn: string;
  clock: { now(): number; wait(milliseconds: number): Promise<void> };
}

/** A role, or a pattern of roles, that may use the key, or is about to. */
interface ShownGrant {
  /** Whose role it is; absent of what only the policy has. */
  userName?: string;
  roleArn: string;
  /** As the registry has it; absent of what only the policy has. */
  state?: Grant['state'];
  /** The Sids of the statements that name it. */
  statements: string[];
}

/** A difference between the policy and what is wanted of it, as `detect-key-policy-drift` reports it. */
type ShownDrift =
  | { kind: 'missingRole' | 'unexpectedRole' | 'orphanedId' | 'lostStatement'; name: string }
  | { kind: 'reason'; name: string; message: string };

/** Null of the policy's figures: it cannot be read, and the drift says why. */
export type KeyStatus = AccountRegion & { keyArn: string } & { [Name in keyof KeyRoom]: KeyRoom[Name] | null } & {
  grants: ShownGrant[];
  /** Null while one of the deployment's functions changes the policy, or KMS returns an old one. */
  drift: ShownDrift[] | null;
  /** Why the drift is not known. */
  driftUnknown?: string;
  /** How many earlier policies were kept. */
  policyBackups: number;
};

/**
 * How a key stands: the room in its policy, who may use it, and in what it differs from what the registry wants. Nothing is written.
 * @param keyId the key's id, or its ARN
 * @param arn the key's ARN, beside its id
 * @returns why nothing is known of such a key, when nothing is
 * @throws InvalidRequest when the two do not fit, or several keys have the id
 * @throws KeyPolicyBusy when KMS is asked too often
 */
export async function getKey(
  { keyId, arn }: { keyId: string; arn: string | undefined },
  dependencies: Dependencies,
): Promise<KeyStatus | { unknown: string }> {
  const { registry, kms, access, roleNames, clock } = dependencies;
  const named = namedArn(keyId, arn, dependencies.ownArn);
  const known = named === undefined ? await knownKey(keyId, dependencies) : { keyArn: named };
  if (known === undefined) return { unknown: `The registry knows no key ${keyId}` };
  const { keyArn } = known;
  const home = arnOwner(keyArn);
  const client = kms(home);
  // Those of another account are fetched while the registry is read. What goes wrong shows when the policy is.
  const credentials = Promise.allSettled([client.config.credentials()]);
  const looker = { kms: client, registry, access, clock };
  const [look, reservations, policyBackups] = await Promise.all([
    lookAtKey(keyArn, clock.now() - lookBackMs, looker, 'lease' in known ? known.lease : undefined),
    readReservations(registry, keyArn, new Date(clock.now())),
    countPolicyBackups(registry, keyArn, clock.now()),
    credentials,
  ]);
  const { grants, policy, drift, isLeased } = look;
  const isKnown = isLeased || grants.length + reservations.length + policyBackups > 0;
  if (!isKnown && policy === undefined) {
    const { reason } = drift ?? {};
    return { unknown: `Nothing is known of key ${keyArn}: ${reason?.message ?? 'KMS has no such key'}` };
  }
  const room =
    policy === undefined
      ? { policyBytes: null, limitBytes: null, reservedBytes: null, freeBytes: null, subscribersThatFit: 0 }
      : keyRoom({ policy, grants, reservations, access, roleArnFor: roleArnsBeside(keyArn, roleNames) });
  // Nobody can change such a policy, however much room it has.
  const isStuck = drift !== undefined && drift.reason !== null;
  return {
    keyArn,
    ...home,
    ...room,
    ...(isStuck && { subscribersThatFit: 0 }),
    grants: shownGrants(look, access),
    ...driftOf(look),
    policyBackups,
  };
}

/** The ARN that a request names; undefined when it names an id alone. @throws InvalidRequest */
function namedArn(keyId: string, arn: string | undefined, ownArn: string): string | undefined {
  const named = arn ?? (keyId.startsWith('arn:') ? keyId : undefined);
  if (named === undefined) return undefined;
  const field = arn === undefined ? 'keyId' : 'arn';
  const parsed = parseKeyArn(named);
  if (parsed === undefined) throw new InvalidRequest(field, 'must be the ARN of a key, and not of an alias');
  if (named.split(':')[1] !== ownArn.split(':')[1])
    throw new InvalidRequest(field, 'must be in the partition of the deployment');
  if (arn !== undefined && keyId !== parsed.keyId && keyId !== arn) {
    throw new InvalidRequest('arn', 'must be of the key in the path');
  }
  return named;
}

/** The key with this id that the registry knows, with its lease. @throws InvalidRequest when there are several */
async function knownKey(keyId: string, { registry, homes, ownArn }: Dependencies) {
  const partition = ownArn.split(':')[1];
  const found = await Promise.all(
    homes.map(async ({ accountId, region }) => {
      const keyArn = `arn:${partition}:kms:${region}:${accountId}:key/${keyId}`;
      const [lease, grants] = await Promise.all([readLease(registry, keyArn), readGrants(registry, keyArn)]);
      return lease === undefined && grants.length === 0 ? [] : [{ keyArn, lease }];
    }),
  );
  const [first, ...others] = found.flat();
  // The replicas of a multi-Region key have its id.
  if (others.length > 0) {
    throw new InvalidRequest('keyId', `is that of ${1 + others.length} keys: name one by its ARN, with arn`);
  }
  return first;
}

function shownGrants({ grants, policy }: Look, access: KeyAccess): ShownGrant[] {
  const sidsOf = (grantee: string) => (policy === undefined ? [] : statementsNaming(policy, grantee, access));
  const wanted = grants.map(({ userName, roleArn, state }) => ({
    userName,
    roleArn,
    state,
    statements: sidsOf(roleArn),
  }));
  const others = (policy === undefined ? [] : grantees(policy)).filter(
    (grantee) => !grants.some(({ roleArn }) => roleArn === grantee),
  );
  return [...wanted, ...others.map((roleArn) => ({ roleArn, statements: sidsOf(roleArn) }))];
}

function driftOf({ drift, busy }: Look): Pick<KeyStatus, 'drift' | 'driftUnknown'> {
  if (busy !== undefined) return { drift: null, driftUnknown: busy };
  const gone: ShownDrift = { kind: 'reason', name: 'NotFoundException', message: 'KMS has no such key any more' };
  return { drift: drift === undefined ? [gone] : shown(drift) };
}

function shown({ missingRoles, unexpectedRoles, orphanedIds, lostStatements, reason }: Drift): ShownDrift[] {
  const named = (kind: Exclude<ShownDrift['kind'], 'reason'>, names: readonly string[]) =>
    names.map((name) => ({ kind, name }));
  return [
    ...named('missingRole', missingRoles),
    ...named('unexpectedRole', unexpectedRoles),
    ...named('orphanedId', orphanedIds),
    ...named('lostStatement', lostStatements),
    ...(reason === null ? [] : [{ kind: 'reason' as const, ...reason }]),
  ];
}
