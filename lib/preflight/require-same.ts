import type { Stack as CloudFormationStack } from '@aws-sdk/client-cloudformation';
import { InvalidRequestException, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type Difference, SubscriberDiffers } from '../errors.ts';
import type { Plan } from '../plans/onboarding.ts';
import { type Credentials, credentialsSchema, type Sent, sentOf } from '../secrets/credentials.ts';
import { differencesFrom } from '../secrets/kept-credentials.ts';
import { readSecret } from '../secrets/secrets.ts';
import { ownershipTags } from '../stacks/names.ts';
import { stackPhase } from '../stacks/status.ts';
import type { SubscriberRecord } from '../subscribers/record.ts';

interface Known {
  record: SubscriberRecord | undefined;
  /** The stack of the plan's name, which is the subscriber's. */
  stack: CloudFormationStack | undefined;
}

/** What of the plan is compared. */
type ComparedPlan = Pick<Plan, 'subscriber' | 'passwordSecretId' | 'customTokenSecretId' | 'credentialsSecretId'> & {
  stack: Pick<Plan['stack'], 'planHash'>;
};

/**
 * Refuses a request that says something else of a subscriber than what is kept, and that no later step would change: it would succeed
 * without having been done. What no attempt has brought to InfinStor or CloudFormation may still be corrected.
 * @param requestedTags the stack's tags that are the request's own
 * @throws SubscriberDiffers naming the fields
 * @throws InvalidRequest when the secret of the request's password breaks its schema
 */
export async function requireSame(
  plan: ComparedPlan,
  requestedTags: Readonly<Record<string, string>>,
  { record, stack }: Known,
  secrets: SecretsManagerClient,
): Promise<void> {
  const { userName, emailId } = plan.subscriber;
  const { passwordSecretId } = plan;
  const differences: Difference[] = [];
  const sent = await knownToBeSent(secrets, plan, record);
  if (sent !== undefined) {
    if (record !== undefined && record.userName !== userName)
      differences.push({ field: 'subscriber.userName', kept: record.userName });
    const kept = { sent, emailId: record?.emailId };
    differences.push(...(await differencesFrom(secrets, { emailId, passwordSecretId }, kept)));
  }
  if (stack !== undefined && isKept(stack, plan)) {
    const differing = differingTags(stack, requestedTags, record?.tags ?? {});
    differences.push(...differing.map((key) => ({ field: `stack.tags.${key}` })));
  }
  if (differences.length > 0) throw new SubscriberDiffers(userName, ...differences);
}

/** What InfinStor was sent of the subscriber, and has; undefined when that is not known, or is still to be found out. */
async function knownToBeSent(
  secrets: SecretsManagerClient,
  { credentialsSecretId: secretId, customTokenSecretId }: ComparedPlan,
  record: SubscriberRecord | undefined,
): Promise<Sent | undefined> {
  // After an offboarding create-subscriber finds out whether InfinStor still has the subscriber, and compares then.
  if (record?.offboarded !== undefined && record.stackId === undefined) return undefined;
  const credentials = await readCredentials(secrets, secretId);
  // A call without a token may have had no effect: create-subscriber finds out. Who supplies a token says that it had.
  if (credentials?.state !== 'created' && customTokenSecretId === undefined) return undefined;
  return sentOf(credentials, record?.creating);
}

async function readCredentials(secrets: SecretsManagerClient, secretId: string): Promise<Credentials | undefined> {
  try {
    return (await readSecret(secrets, { secretId }, credentialsSchema))?.value;
  } catch (error) {
    // Secrets Manager's error for a secret that is scheduled for deletion.
    if (error instanceof InvalidRequestException) return undefined;
    throw error;
  }
}

/** Whether the stack was made from this plan, and is not about to go. */
function isKept({ StackStatus, Tags }: CloudFormationStack, { stack: { planHash } }: ComparedPlan): boolean {
  if (StackStatus === undefined || !['creating', 'live', 'busy'].includes(stackPhase(StackStatus))) return false;
  return Tags?.some(({ Key, Value }) => Key === ownershipTags.planHash && Value === planHash) ?? false;
}

/**
 * The keys of the tags that the stack does not have as the request wants them. Tags that no request asked for, such as those that a
 * company's tools add, are nobody's difference.
 */
function differingTags(
  { Tags = [] }: CloudFormationStack,
  requested: Readonly<Record<string, string>>,
  requestedBefore: Readonly<Record<string, string>>,
): string[] {
  const existing = new Map(Tags.map(({ Key, Value }) => [Key, Value]));
  const keys = new Set([...Object.keys(requested), ...Object.keys(requestedBefore)]);
  return [...keys].filter((key) => existing.get(key) !== requested[key]).toSorted();
}
