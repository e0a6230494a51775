import { KeyPolicyOrphan } from '../../errors.ts';
import type { Grant } from '../grants.ts';
import { grantees, isGranted, type KeyAccess, ownStatements, withGrants } from '../key-policy.ts';
import { type KeyPolicy, orphans } from '../policy-document.ts';

/** In what a key's policy differs from what is wanted of it. */
export interface Drift {
  /** The roles that have the key, as the registry has it, and not in the policy; or not in the way that the deployment asks for. */
  missingRoles: readonly string[];
  /** Whom our statements let use the key though the registry does not know of it: roles, or patterns of roles. */
  unexpectedRoles: readonly string[];
  /** The ids that deleted roles left in our statements. */
  orphanedIds: readonly string[];
  /** What a write of ours undid of the last policy that was written by hand, by Sid or place. */
  lostStatements: readonly string[];
  /** Why nobody of the deployment can read the policy or change it. */
  reason: { name: string; message: string } | null;
}

export const noDrift: Drift = {
  missingRoles: [],
  unexpectedRoles: [],
  orphanedIds: [],
  lostStatements: [],
  reason: null,
};

/**
 * Compares our statements with the grants that the registry wants. A grant that is pending, orphaned or withdrawn may be in them or
 * not: its role is about to come or to go.
 */
export function driftOf(policy: KeyPolicy, grants: readonly Grant[], access: KeyAccess): Drift {
  const orphanedIds = orphans({ ...policy, Statement: ownStatements(policy) }).map(({ principalId }) => principalId);
  const isWanted = (grantee: string) =>
    grants.some(({ roleArn }) => roleArn === grantee) ||
    grants.some(({ roleArn }) => grantees(onlyFor(roleArn, policy, access)).includes(grantee));
  return {
    ...noDrift,
    missingRoles: grants
      .filter(({ roleArn, state }) => state === 'applied' && !isGranted(policy, roleArn, access))
      .map(({ roleArn }) => roleArn),
    unexpectedRoles: grantees(policy).filter((grantee) => !orphanedIds.includes(grantee) && !isWanted(grantee)),
    orphanedIds: [...new Set(orphanedIds)],
    reason: obstacleOf(policy, access),
  };
}

/** A policy with nothing but our statements for this role. */
function onlyFor(roleArn: string, policy: KeyPolicy, access: KeyAccess): KeyPolicy {
  return withGrants({ ...policy, Statement: [] }, [roleArn], access);
}

/** What keeps everybody from changing the policy. */
function obstacleOf(policy: KeyPolicy, access: KeyAccess): Drift['reason'] {
  try {
    withGrants(policy, [], access);
    return null;
  } catch (error) {
    if (error instanceof KeyPolicyOrphan) return { name: error.name, message: error.message };
    throw error;
  }
}

export function isDrift({ reason, ...lists }: Drift): boolean {
  return reason !== null || Object.values(lists).some((names) => names.length > 0);
}

/** Whether our statements can be written as they are to be. What was lost of others' statements is for a person to decide. */
export function isRepairable({ missingRoles, unexpectedRoles, orphanedIds, reason }: Drift): boolean {
  return reason === null && [missingRoles, unexpectedRoles, orphanedIds].some((names) => names.length > 0);
}
