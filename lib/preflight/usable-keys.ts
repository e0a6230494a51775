import { DescribeKeyCommand, type KeyMetadata, type KMSClient, NotFoundException } from '@aws-sdk/client-kms';
import { type AccountRegion, parseKeyArn } from '../aws/arns.ts';
import { KeyNotUsable } from '../errors.ts';
import { exclusiveTag, readKeyPolicy, readKeyTags, refusedLook } from '../keys/kms.ts';
import type { KeyPolicy } from '../keys/policy-document.ts';
import { requireWritable } from '../keys/writable.ts';
import { keyTagName, requireAllowed } from './key-tag.ts';

interface Expectation {
  /** Where the stack is to be. */
  home: AccountRegion;
  /** The subscriber that is to use the key. */
  userName: string;
  /** The roles that are to write the key's policy. */
  writers: readonly string[];
  /** The deployment's id. */
  deployment: string;
}

/**
 * Checks that a customer managed key will serve bucket or table, and that its policy can be changed: after add_subscriber it would be
 * too late to find out. Put- and GetKeyPolicy succeed on disabled keys, so the state is asked for.
 * @returns the policy in force
 * @throws KeyNotUsable, KeyPolicyNotUnderstood
 * @throws KeyPolicyBusy when KMS is asked too often
 */
export async function checkKey(kms: KMSClient, keyArn: string, expected: Expectation): Promise<KeyPolicy> {
  const { accountId, region } = expected.home;
  const owner = parseKeyArn(keyArn);
  if (owner?.accountId !== accountId)
    throw new KeyNotUsable(keyArn, `it is not in account ${accountId}, where the stack is`);
  if (owner.region !== region) throw new KeyNotUsable(keyArn, `it is not in Region ${region}, where the stack is`);
  try {
    await requireServing(kms, keyArn);
    const tags = await readKeyTags(kms, keyArn);
    requireAllowed(keyArn, tags.get(keyTagName), expected.userName);
    requireShared(keyArn, tags.get(exclusiveTag), expected.deployment);
    return await requireChangeable(kms, keyArn, expected.writers);
  } catch (error) {
    throw refusedLook(keyArn, error);
  }
}

async function requireServing(kms: KMSClient, keyArn: string): Promise<void> {
  const key = await describeKey(kms, keyArn);
  if (key.KeyManager !== 'CUSTOMER')
    throw new KeyNotUsable(keyArn, 'it is managed by AWS, and its policy cannot be changed');
  if (key.KeyState !== 'Enabled') throw new KeyNotUsable(keyArn, `its state is ${key.KeyState}`);
  if (key.KeySpec !== 'SYMMETRIC_DEFAULT' || key.KeyUsage !== 'ENCRYPT_DECRYPT') {
    throw new KeyNotUsable(
      keyArn,
      `it is a ${key.KeySpec} key for ${key.KeyUsage}, not a symmetric one for encryption`,
    );
  }
}

/** Another deployment, whose alone the key is, would take our roles out; IAM enforces it as well. */
function requireShared(keyArn: string, owner: string | undefined, deployment: string): void {
  if (owner === undefined || owner === deployment) return;
  throw new KeyNotUsable(
    keyArn,
    `by its tag ${exclusiveTag} it is for deployment ${owner} alone, and this is ${deployment}`,
  );
}

async function requireChangeable(kms: KMSClient, keyArn: string, writers: readonly string[]): Promise<KeyPolicy> {
  const { policy } = await readKeyPolicy(kms, keyArn);
  requireWritable(keyArn, policy, writers);
  return policy;
}

async function describeKey(kms: KMSClient, keyArn: string): Promise<Partial<KeyMetadata>> {
  try {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: keyArn }));
    return KeyMetadata ?? {};
  } catch (error) {
    if (error instanceof NotFoundException) throw new KeyNotUsable(keyArn, 'there is no such key');
    throw error;
  }
}
