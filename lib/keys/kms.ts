import {
  GetKeyPolicyCommand,
  type KMSClient,
  KMSServiceException,
  MalformedPolicyDocumentException,
  NotFoundException,
  PutKeyPolicyCommand,
  paginateListResourceTags,
} from '@aws-sdk/client-kms';
import { KeyNotUsable, KeyPolicyBusy } from '../errors.ts';
import { parseKeyPolicy, policyOf } from './key-policy.ts';
import { type KeyPolicy, serializeKeyPolicy } from './policy-document.ts';

/** Nobody knows whether the policy was written, or still will be. */
export class PutOutcomeUnknown extends KeyPolicyBusy {}

/**
 * A key's policy, with the document as KMS returned it. It may be older than the last write, by minutes at worst.
 * @throws KeyPolicyBusy when KMS is asked too often
 * @throws KeyPolicyNotUnderstood
 */
export async function readKeyPolicy(kms: KMSClient, keyArn: string): Promise<{ document: string; policy: KeyPolicy }> {
  try {
    const { Policy: document = '' } = await kms.send(new GetKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default' }));
    return { document, policy: parseKeyPolicy(document, policyOf(keyArn)) };
  } catch (error) {
    throw isThrottling(error) ? new KeyPolicyBusy(`KMS was asked too often about key ${keyArn}`) : error;
  }
}

/** Like `readKeyPolicy`; undefined when there is no such key any more. */
export async function readKeyPolicyOf(kms: KMSClient, keyArn: string) {
  try {
    return await readKeyPolicy(kms, keyArn);
  } catch (error) {
    if (error instanceof NotFoundException) return undefined;
    throw error;
  }
}

/** The tag by which a key's owner says that one deployment alone puts roles into its policy: the value is the deployment's id. */
export const exclusiveTag = 'infinstor-onboarding:exclusive';

/**
 * The tags of a key.
 * @throws KeyPolicyBusy when KMS is asked too often
 */
export async function readKeyTags(kms: KMSClient, keyArn: string): Promise<ReadonlyMap<string, string>> {
  const tags = new Map<string, string>();
  try {
    for await (const { Tags = [] } of paginateListResourceTags({ client: kms }, { KeyId: keyArn })) {
      for (const { TagKey, TagValue } of Tags) if (TagKey !== undefined) tags.set(TagKey, TagValue ?? '');
    }
  } catch (error) {
    throw isThrottling(error) ? new KeyPolicyBusy(`KMS was asked too often about key ${keyArn}`) : error;
  }
  return tags;
}

/**
 * Writes a key's policy.
 * @param kms a client that does not repeat calls: a call that it gave up may arrive late, over what somebody wrote since
 * @returns whether KMS took it; it refuses a policy that names a principal that it cannot see, without saying which
 * @throws KeyPolicyBusy when KMS is asked too often
 * @throws PutOutcomeUnknown
 * @throws KeyNotUsable when KMS takes the change for one that locks its maker out
 */
export async function writeKeyPolicy(
  kms: KMSClient,
  keyArn: string,
  policy: KeyPolicy,
): Promise<'written' | 'invalid principals'> {
  try {
    await kms.send(
      new PutKeyPolicyCommand({ KeyId: keyArn, PolicyName: 'default', Policy: serializeKeyPolicy(policy) }),
    );
    return 'written';
  } catch (error) {
    if (isThrottling(error)) throw new KeyPolicyBusy(`KMS was asked too often about key ${keyArn}`);
    if (!(error instanceof KMSServiceException) || isServers(error)) {
      throw new PutOutcomeUnknown(`KMS did not say whether it has written the policy of key ${keyArn}`);
    }
    if (!(error instanceof MalformedPolicyDocumentException)) throw error;
    // KMS has no errors of their own for the reasons of a refusal: these are its words.
    if (/invalid principals/.test(error.message)) return 'invalid principals';
    // Nothing bypasses this check.
    if (/will not allow you to update/.test(error.message)) {
      throw new KeyNotUsable(keyArn, 'KMS says that its policy would not let the onboarding change it in the future');
    }
    throw error;
  }
}

function isServers({ $fault, $metadata: { httpStatusCode } }: KMSServiceException): boolean {
  // Of an error that the SDK does not know by name, only the status says whose fault it is.
  return httpStatusCode === undefined ? $fault === 'server' : httpStatusCode >= 500;
}

/** Whether AWS refused a call, before any effect, for being asked too often. */
export function isThrottling(error: unknown): boolean {
  return error instanceof Error && /^Throttling(?:Exception)?$/.test(error.name);
}

/** What to throw in place of an error of KMS that only says that the deployment may not look at a key. */
export function refusedLook(keyArn: string, error: unknown): unknown {
  if (!(error instanceof KMSServiceException && error.name === 'AccessDeniedException')) return error;
  return new KeyNotUsable(keyArn, `the deployment may not look at it: ${error.message}`);
}
