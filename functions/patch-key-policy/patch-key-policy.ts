import {
  GetKeyPolicyCommand,
  type KMSClient,
  KMSServiceException,
  MalformedPolicyDocumentException,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms';
import { KeyNotUsable, KeyPolicyBusy, PrincipalNotVisible } from '../shared/errors.ts';
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
 * @throws KeyPolicyBusy when KMS is asked too often, or the policy does not read as it was written: another writer, a stale read
 * @throws PrincipalNotVisible when KMS cannot see the role (or another principal of the policy) yet
 * @throws KeyNotUsable when KMS takes the change for one that locks its maker out
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
  try {
    const { Policy = '' } = await kms.send(new GetKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default' }));
    return parseKeyPolicy(Policy);
  } catch (error) {
    throw error instanceof KMSServiceException ? refusalOf(error, keyArn) : error;
  }
}

async function writePolicy(kms: KMSClient, keyArn: string, policy: KeyPolicy): Promise<void> {
  try {
    await kms.send(
      new PutKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default', Policy: serializeKeyPolicy(policy) }),
    );
  } catch (error) {
    throw error instanceof KMSServiceException ? refusalOf(error, keyArn) : error;
  }
}

/** What KMS's error means. It has no errors of their own for the reasons of a refusal: these are its words. */
function refusalOf(error: KMSServiceException, keyArn: string): Error {
  if (error.name === 'ThrottlingException') return new KeyPolicyBusy(`KMS was asked too often about key ${keyArn}`);
  if (!(error instanceof MalformedPolicyDocumentException)) return error;
  // It does not say which principal: one that does not exist, or that was made too recently.
  if (/invalid principals/.test(error.message)) {
    return new PrincipalNotVisible(`KMS cannot see a principal of the new policy of key ${keyArn} yet`);
  }
  // Nothing bypasses this check.
  if (/will not allow you to update/.test(error.message)) {
    return new KeyNotUsable(keyArn, 'KMS says that its policy would not let the onboarding change it in the future');
  }
  return error;
}
