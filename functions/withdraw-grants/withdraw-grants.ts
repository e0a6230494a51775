import { roleIdentity } from '../shared/arns.ts';
import { KeyPolicyBusy } from '../shared/errors.ts';
import { grantedRoles, type KeyPolicy, requireWithdrawable } from '../shared/key-policy.ts';
import { forgetGrant, type Grant, readGrants, withdrawGrant } from '../shared/key-registry.ts';
import { readKeyPolicyOf } from '../shared/kms-key-policy.ts';
import type { OffboardingPlan } from '../shared/plan.ts';
import { type Reconciler, reconcileKeyPolicy } from '../shared/reconcile-key-policy.ts';

/**
 * Takes a key from the subscriber's roles, beside all others that are to have it. First the registry says so: from then on
 * whoever changes the key's policy takes them out. The registry forgets them when the policy no longer names them.
 * @returns whether this call wrote the policy
 * @throws RoleStillNamed when a statement that is not ours names one of the roles
 * @throws KeyPolicyBusy while somebody else changes the policy, KMS is asked too often, or the policy still names a role
 * @throws KeyPolicyOrphan, KeyPolicyNotUnderstood, KeyNotUsable
 */
export async function withdrawGrants(
  reconciler: Reconciler,
  keyArn: string,
  {
    subscriber: { userName },
    executionArn,
    roleArns,
  }: Pick<OffboardingPlan, 'subscriber' | 'executionArn' | 'roleArns'>,
): Promise<{ keyArn: string; changed: boolean }> {
  const { kms, registry } = reconciler;
  const roles = new Set(roleArns.map(roleIdentity));
  const isRole = (roleArn: string) => roles.has(roleIdentity(roleArn));
  const read = await readKeyPolicyOf(kms, keyArn);
  const grants = (await readGrants(registry, keyArn)).filter(({ roleArn }) => isRole(roleArn));
  if (read === undefined) {
    for (const grant of grants) await withdrawGrant(registry, keyArn, { ...grant, userName });
    return forgotten(registry, keyArn, grants, false);
  }
  requireWithdrawable(keyArn, read.policy, roleArns);
  const withdrawn = [
    ...grants,
    ...unknownGrants(read.policy, grants, userName).filter(({ roleArn }) => isRole(roleArn)),
  ];
  if (withdrawn.length === 0) return { keyArn, changed: false };
  for (const grant of withdrawn) await withdrawGrant(registry, keyArn, { ...grant, userName });
  const { changed, policy } = await reconcileKeyPolicy(reconciler, keyArn, { by: executionArn });
  const left = grantedRoles(policy).find(isRole);
  // KMS refuses the policy for another role's sake, or the subscriber is being onboarded again.
  if (left !== undefined) throw new KeyPolicyBusy(`The policy of key ${keyArn} still names ${left}`);
  requireWithdrawable(keyArn, policy, roleArns);
  return forgotten(registry, keyArn, withdrawn, changed);
}

type Withdrawn = Pick<Grant, 'roleArn' | 'roleId' | 'userName'>;

/** The roles that our statements name and the registry does not know. */
function unknownGrants(policy: KeyPolicy, grants: readonly Grant[], userName: string): Withdrawn[] {
  return grantedRoles(policy)
    .filter((roleArn) => !grants.some((grant) => grant.roleArn === roleArn))
    .map((roleArn) => ({ roleArn, roleId: '', userName }));
}

async function forgotten(
  registry: Reconciler['registry'],
  keyArn: string,
  withdrawn: readonly Withdrawn[],
  changed: boolean,
): Promise<{ keyArn: string; changed: boolean }> {
  for (const grant of withdrawn) await forgetGrant(registry, keyArn, grant);
  return { keyArn, changed };
}
