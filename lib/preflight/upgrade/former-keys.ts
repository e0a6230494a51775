import { type KMSClient, KMSServiceException, NotFoundException } from '@aws-sdk/client-kms';
import { type AccountRegion, arnOwner } from '../../aws/arns.ts';
import { exclusiveTag, readKeyTags } from '../../keys/kms.ts';
import { keyTagName } from '../key-tag.ts';

/**
 * Which of the keys that a subscriber has had the upgrade still looks after: what was written with one is read with it. A key that is gone, or
 * that its owner allows no longer, keeps nobody from an upgrade, which may be the way off it.
 */
export async function formerKeys(
  kms: (home: AccountRegion) => KMSClient,
  keyArns: readonly string[],
  { deployment, warn }: { deployment: string; warn: (message: string) => void },
): Promise<string[]> {
  const kept: string[] = [];
  for (const keyArn of keyArns) {
    if (await isOurs(kms(arnOwner(keyArn)), keyArn, deployment)) kept.push(keyArn);
    else
      warn(`Key ${keyArn}, which the subscriber has had, is gone or not allowed any more: its policy stays as it is`);
  }
  return kept;
}

async function isOurs(kms: KMSClient, keyArn: string, deployment: string): Promise<boolean> {
  try {
    const tags = await readKeyTags(kms, keyArn);
    return (tags.get(keyTagName) ?? '').trim() !== '' && (tags.get(exclusiveTag) ?? deployment) === deployment;
  } catch (error) {
    if (error instanceof NotFoundException) return false;
    if (error instanceof KMSServiceException && error.name === 'AccessDeniedException') return false;
    throw error;
  }
}
