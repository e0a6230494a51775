import { KeyPolicyBusy, PrincipalNotVisible } from '../lib/errors.ts';
import { canonical } from '../lib/keys/canonical.ts';
import { grantedRoles, withGrants } from '../lib/keys/key-policy.ts';
import { readKeyPolicy, writeKeyPolicy } from '../lib/keys/kms.ts';
import type { Reconciler } from '../lib/keys/reconciler.ts';

/**
 * What the reconciler is compared with: each writer reads the policy, adds its role, writes, and reads back.
 * @throws KeyPolicyBusy, PrincipalNotVisible as the reconciler does, to be tried again
 */
export async function readModifyWrite(
  { kms, kmsOnce, access }: Pick<Reconciler, 'kms' | 'kmsOnce' | 'access'>,
  keyArn: string,
  roleArn: string,
): Promise<void> {
  const { policy: before } = await readKeyPolicy(kms, keyArn);
  const wanted = withGrants(before, [...grantedRoles(before), roleArn], access);
  if (wanted === before) return;
  if ((await writeKeyPolicy(kmsOnce, keyArn, wanted)) === 'invalid principals') {
    throw new PrincipalNotVisible(`KMS cannot see a principal of the new policy of key ${keyArn} yet`);
  }
  const { policy: after } = await readKeyPolicy(kms, keyArn);
  if (canonical(after) !== canonical(wanted)) {
    throw new KeyPolicyBusy(`The policy of key ${keyArn} does not read as it was written`);
  }
}
