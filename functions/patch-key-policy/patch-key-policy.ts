import {
  GetKeyPolicyCommand,
  type KMSClient,
  MalformedPolicyDocumentException,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms';
import { KeyPolicyBusy, PrincipalNotVisible } from '../shared/errors.ts';
import {
  canonical,
  grantedRoles,
  type KeyPolicy,
  parseKeyPolicy,
  serializeKeyPolicy,
  withGrants,
} from '../shared/key-policy.ts';

/**
 * Lets the role use the key, keeping every role that may use it already. Nothing is written when the policy says so
 * already; what was written is read back.
 * @returns whether the policy was changed
 * @throws KeyPolicyBusy when the policy does not read as it was written: another writer, or a stale read
 * @throws PrincipalNotVisible when KMS cannot see the role (or another principal of the policy) yet
 * @throws KeyPolicyFull, KeyPolicyOrphan
 */
export async function patchKeyPolicy(
  kms: KMSClient,
  keyArn: string,
  roleArn: string,
): Promise<{ keyArn: string; changed: boolean }> {
  const before = await readPolicy(kms, keyArn);
  const wanted = withGrants(before, [...grantedRoles(before), roleArn]);
  if (wanted === before) return { keyArn, changed: false };
  await writePolicy(kms, keyArn, wanted);
  const after = await readPolicy(kms, keyArn);
  if (canonical(after) !== canonical(wanted)) {
    throw new KeyPolicyBusy(`The policy of key ${keyArn} does not read as it was written`);
  }
  return { keyArn, changed: true };
}

async function readPolicy(kms: KMSClient, keyArn: string): Promise<KeyPolicy> {
  const { Policy = '' } = await kms.send(new GetKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default' }));
  return parseKeyPolicy(Policy);
}

async function writePolicy(kms: KMSClient, keyArn: string, policy: KeyPolicy): Promise<void> {
  try {
    await kms.send(
      new PutKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default', Policy: serializeKeyPolicy(policy) }),
    );
  } catch (error) {
    // KMS's words for a principal that does not exist, or was made too recently; it does not say which one.
    if (error instanceof MalformedPolicyDocumentException && /invalid principals/.test(error.message)) {
      throw new PrincipalNotVisible(`KMS cannot see a principal of the new policy of key ${keyArn} yet`);
    }
    throw error;
  }
}
