import {
  InvalidRequest,
  KeyPolicyNotUnderstood,
  KeyPolicyOrphan,
  PrincipalNotVisible,
  type StepError,
} from '../../lib/errors.ts';
import { readGrants } from '../../lib/keys/grants.ts';
import { foreignStatements, parseKeyPolicy } from '../../lib/keys/key-policy.ts';
import { type PolicyBackup, readPolicyBackup } from '../../lib/keys/policy-backups.ts';
import { type KeyPolicy, orphans } from '../../lib/keys/policy-document.ts';
import { reconcileKeyPolicy } from '../../lib/keys/reconcile.ts';
import type { Reconciler } from '../../lib/keys/reconciler.ts';

export interface Restored {
  keyArn: string;
  policyId: string;
  /** Whether the policy was written: not when it said the same already. */
  changed: boolean;
  /** The id under which the policy that was in force is kept, to undo this. */
  previousPolicyId?: string;
  /** The roles that the registry wants to have the key and that did not get it. */
  refusedRoles?: { roleArn: string; name: string; message: string }[];
}

/**
 * Brings back the statements of a kept policy that are not ours, in place of those in force. A role that has the key by our
 * statements keeps it, since it may have come after that policy. The policy in force is kept first: a restore can be undone.
 * @param by who restores; kept with the policy that is written over
 * @throws InvalidRequest when no such policy of the key is kept
 * @throws KeyPolicyOrphan when the kept policy names a principal that was deleted since, which KMS refuses
 * @throws KeyPolicyNotUnderstood when the kept policy or the one in force is not one that can be written back
 * @throws KeyPolicyBusy while somebody else changes the policy, KMS is asked too often, or returns an older policy
 * @throws KeyPolicyFull, KeyNotUsable
 */
export async function restoreKeyPolicy(
  reconciler: Reconciler,
  { keyArn, policyId }: { keyArn: string; policyId: string },
  by: string,
): Promise<Restored> {
  const kept = await readPolicyBackup(reconciler.registry, keyArn, policyId, reconciler.clock.now());
  if (kept === undefined) throw new InvalidRequest('policyId', `no policy ${policyId} of key ${keyArn} is kept`);
  const restored = restorable(kept, keyArn);
  const { changed, previousPolicyId, refusals } = await reconcileKeyPolicy(reconciler, keyArn, { by, restored });
  const reasons = new Map([...(await refusedBefore(reconciler, keyArn)), ...refusals]);
  const refusedRoles = [...reasons].map(([roleArn, { name, message }]) => ({ roleArn, name, message }));
  return {
    keyArn,
    policyId,
    changed,
    ...(previousPolicyId !== undefined && { previousPolicyId }),
    ...(refusedRoles.length > 0 && { refusedRoles }),
  };
}

/** The reconciler leaves a role that KMS refused before to its own step, which may have ended long ago. */
async function refusedBefore({ registry }: Reconciler, keyArn: string): Promise<[string, StepError][]> {
  const grants = await readGrants(registry, keyArn);
  return grants
    .filter(({ state, refused }) => state === 'pending' && refused)
    .map(({ roleArn }) => [
      roleArn,
      new PrincipalNotVisible(
        `KMS could not see the role ${roleArn}, which is to use key ${keyArn}, when it was asked`,
      ),
    ]);
}

/** Reported here, and not as of the policy in force: people mend the one and not the other. */
function restorable({ id, policy: document }: PolicyBackup, keyArn: string): KeyPolicy {
  const policy = parsed(id, document, keyArn);
  const [orphan] = orphans({ ...policy, Statement: foreignStatements(policy) });
  if (orphan === undefined) return policy;
  throw new KeyPolicyOrphan(
    `Statement "${orphan.sid}" of the kept policy ${id} of key ${keyArn} names ${orphan.principalId}, a principal that was deleted`,
  );
}

function parsed(id: string, document: string, keyArn: string): KeyPolicy {
  try {
    return parseKeyPolicy(document);
  } catch (error) {
    if (!(error instanceof KeyPolicyNotUnderstood)) throw error;
    throw new KeyPolicyNotUnderstood(`The kept policy ${id} of key ${keyArn} cannot be written back: ${error.message}`);
  }
}
