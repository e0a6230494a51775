import { type Grant, requestGrant } from '../../lib/keys/grants.ts';
import { isGranted } from '../../lib/keys/key-policy.ts';
import { readKeyPolicy } from '../../lib/keys/kms.ts';
import { reconcileKeyPolicy } from '../../lib/keys/reconcile.ts';
import type { Reconciler } from '../../lib/keys/reconciler.ts';

/**
 * Lets the role use the key, beside all others that are to use it. First the registry says so: from then on every writer of the
 * key's policy grants it, too. A role that has the key already costs no write and waits for nobody.
 * @returns whether this call wrote the policy
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 * @throws KeyPolicyBusy while somebody else changes the policy, KMS is asked too often, or returns an older policy
 * @throws PrincipalNotVisible when KMS or IAM cannot see the role
 * @throws KeyPolicyFull, KeyPolicyOrphan, KeyPolicyNotUnderstood, KeyNotUsable
 */
export async function patchKeyPolicy(
  reconciler: Reconciler,
  keyArn: string,
  role: Pick<Grant, 'roleArn' | 'roleId' | 'userName'>,
  executionArn: string,
): Promise<{ keyArn: string; changed: boolean }> {
  const { roleArn } = role;
  const { state } = await requestGrant(reconciler.registry, keyArn, role, executionArn);
  if (state === 'applied') {
    const { policy } = await readKeyPolicy(reconciler.kms, keyArn);
    if (isGranted(policy, roleArn, reconciler.access)) return { keyArn, changed: false };
  }
  const { changed, refusals } = await reconcileKeyPolicy(reconciler, keyArn, { by: executionArn, roleArn });
  const refusal = refusals.get(roleArn);
  if (refusal !== undefined) throw refusal;
  return { keyArn, changed };
}
