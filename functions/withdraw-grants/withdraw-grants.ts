import { roleIdentity } from '../../lib/aws/arns.ts';
import { KeyPolicyBusy } from '../../lib/errors.ts';
import { forgetGrant, isWanted, readGrants, withdrawGrant } from '../../lib/keys/grants.ts';
import { grantedRoles, requireWithdrawable, unneededPatterns } from '../../lib/keys/key-policy.ts';
import { readKeyPolicyOf } from '../../lib/keys/kms.ts';
import { reconcileKeyPolicy } from '../../lib/keys/reconcile.ts';
import type { Reconciler } from '../../lib/keys/reconciler.ts';
import type { OffboardingPlan, WithdrawnKey } from '../../lib/plans/offboarding.ts';

/**
 * Takes a key from the subscriber's roles, beside all others that are to have it. First the registry says so: from then on
 * every writer of the key's policy takes them out. The registry forgets them when the policy no longer names them.
 * @returns whether this call wrote the policy, and the patterns of roles that stay in it though no subscriber of the deployment needs
 *   them any more: only of a key that is the deployment's alone they are taken away
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
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
): Promise<WithdrawnKey> {
  const { kms, registry, access } = reconciler;
  const roles = new Set(roleArns.map(roleIdentity));
  const isRole = (roleArn: string) => roles.has(roleIdentity(roleArn));
  const read = await readKeyPolicyOf(kms, keyArn);
  if (read !== undefined) requireWithdrawable(keyArn, read.policy, roleArns);
  const grants = await readGrants(registry, keyArn);
  const known = grants.filter(({ roleArn }) => isRole(roleArn));
  const named = read === undefined ? [] : grantedRoles(read.policy).filter(isRole);
  const left = known.filter(({ roleArn, expiresAt }) => expiresAt === undefined || named.includes(roleArn));
  const unknown = named.filter((roleArn) => !known.some((grant) => grant.roleArn === roleArn));
  const withdrawn = [...left, ...unknown.map((roleArn) => ({ roleArn, roleId: '' }))];
  if (withdrawn.length === 0) {
    // As the call before has reported it.
    const wanted = grants.filter(isWanted).map(({ roleArn }) => roleArn);
    return withdrawnKey(keyArn, false, read === undefined ? [] : unneededPatterns(read.policy, wanted, access));
  }
  for (const { roleArn, roleId } of withdrawn) {
    await withdrawGrant(registry, keyArn, { roleArn, roleId, userName }, executionArn);
  }
  let changed = false;
  let keptPatterns: readonly string[] = [];
  if (read !== undefined) {
    const reconciled = await reconcileKeyPolicy(reconciler, keyArn, { by: executionArn });
    ({ changed, keptPatterns } = reconciled);
    const still = grantedRoles(reconciled.policy).find(isRole);
    // KMS refuses the policy for another role's sake, or the subscriber is being onboarded again.
    if (still !== undefined) throw new KeyPolicyBusy(`The policy of key ${keyArn} still names ${still}`);
    requireWithdrawable(keyArn, reconciled.policy, roleArns);
  }
  for (const { roleArn } of withdrawn) {
    await forgetGrant(registry, keyArn, { roleArn, userName, executionArn }, reconciler.clock.now());
  }
  return withdrawnKey(keyArn, changed, keptPatterns);
}

function withdrawnKey(keyArn: string, changed: boolean, keptPatterns: readonly string[]): WithdrawnKey {
  return { keyArn, changed, ...(keptPatterns.length > 0 && { keptPatterns: [...keptPatterns] }) };
}
