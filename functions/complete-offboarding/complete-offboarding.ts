import { type CloudFormationClient, CloudFormationServiceException } from '@aws-sdk/client-cloudformation';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { exclusiveTag } from '../../lib/keys/kms.ts';
import type { OffboardingPlan, WithdrawnKey } from '../../lib/plans/offboarding.ts';
import type { Registry } from '../../lib/registry/table.ts';
import { subscriberSecretPrefix } from '../../lib/secrets/names.ts';
import { stackResources } from '../../lib/stacks/resources.ts';
import { type EventBus, publishSuccess } from '../../lib/subscribers/events.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { closeRecord, emptyRecord, type KeptPattern, type Retained } from '../../lib/subscribers/record.ts';
import type { Environment } from './environment.ts';
import { deleteSecrets } from './secrets.ts';

/** What this step uses of the plan. */
type StepPlan = Pick<OffboardingPlan, 'subscriber' | 'executionArn' | 'keyArns'> & {
  stack: Pick<OffboardingPlan['stack'], 'stackId'>;
};

interface Dependencies {
  environment: Environment;
  registry: Registry;
  cloudFormation: CloudFormationClient;
  secrets: SecretsManagerClient;
  events: EventBus;
  now: () => Date;
}

/** The output of the execution. */
export interface Offboarded {
  userName: string;
  /** Null when the subscriber had no stack. */
  stackId: string | null;
  /** The keys that the subscriber's role had. */
  keyArns: string[];
  /** The patterns of roles that stay in the policies of these keys, as they may be another deployment's. */
  keptPatterns: KeptPattern[];
  /** What the subscriber's stacks have left, those of earlier lives, too. */
  retained: Retained[];
  /** The secrets that are scheduled for deletion. */
  secrets: string[];
  /** What is left to do for people. */
  byHand: string[];
}

/**
 * Writes what is gone and what is left into the registry, then schedules the subscriber's secrets for deletion, publishes
 * `SubscriberOffboarded`, and last of all marks the subscriber as offboarded.
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 */
export async function completeOffboarding(
  { plan, keys }: { plan: StepPlan; keys: readonly WithdrawnKey[] },
  dependencies: Dependencies,
): Promise<Offboarded> {
  const { environment, registry, cloudFormation, secrets, events, now } = dependencies;
  const { userName } = plan.subscriber;
  const { stackId } = plan.stack;
  const record = await requireOwn(registry, plan);
  const before = record.offboarded;
  // A repeat after the end has nothing new to report.
  const isKnown = before !== undefined && before.stackId === stackId;
  // Of a subscriber that was onboarded again what is left of its earlier stacks and users is still there.
  const stackIds = [...(record.formerStackIds ?? []), ...(isKnown || stackId === undefined ? [] : [stackId])];
  const left: Retained[] = [];
  for (const each of stackIds) left.push(...(await retainedBy(cloudFormation, each)));
  const retained = distinct([...(before?.retained ?? []), ...left]);
  const keyArns = [...new Set([...(isKnown ? before.keyArns : []), ...plan.keyArns])];
  const users = [...new Set([...(before?.users ?? []), ...(record.users ?? [])])];
  const keptPatterns = [
    // Of a key that this execution has looked at, what it says now counts.
    ...(isKnown ? (before.keptPatterns ?? []) : []).filter(({ keyArn }) => !plan.keyArns.includes(keyArn)),
    ...keys.flatMap(({ keyArn, keptPatterns: patterns = [] }) => patterns.map((pattern) => ({ keyArn, pattern }))),
  ];
  const offboarded = { ...(stackId !== undefined && { stackId }), keyArns, keptPatterns, retained, users };
  const isOurs = await emptyRecord(registry, plan, { offboarded, now: now().toISOString() });
  if (!isOurs) await requireOwn(registry, plan);

  const folder = subscriberSecretPrefix(environment.SECRET_PREFIX, userName);
  const deleted = await deleteSecrets(secrets, folder, {
    recoveryDays: environment.SECRET_RECOVERY_DAYS,
    requireOwn: () => requireOwn(registry, plan),
  });
  const result: Offboarded = {
    userName,
    stackId: stackId ?? null,
    keyArns,
    keptPatterns,
    retained,
    secrets: deleted,
    byHand: [
      `Delete subscriber ${userName}${users.length === 0 ? '' : `, and under it ${users.join(', ')},`} in InfinStor, which documents no call for it`,
      ...keptPatterns.map(
        ({ keyArn, pattern }) =>
          `Take ${pattern} out of the policy of key ${keyArn} when no other deployment uses the key, or tag the key with ${exclusiveTag}: ${environment.DEPLOYMENT_ID} for the onboarding to do so`,
      ),
      ...retained.map(
        ({ type, physicalId }) => `Delete ${type} ${physicalId} when what it holds is not needed any more`,
      ),
    ],
  };
  // Before the last write, by which the sweep knows what is left to do: an event may come twice, but must not be lost.
  await publishSuccess(events, record, { detailType: 'SubscriberOffboarded', detail: result });
  if (!(await closeRecord(registry, plan, now().toISOString()))) await requireOwn(registry, plan);
  return result;
}

/** Each resource once: a name that a template fixes comes again with every stack. */
function distinct(retained: readonly Retained[]): Retained[] {
  return [...new Map(retained.map((resource) => [`${resource.type} ${resource.physicalId}`, resource])).values()];
}

/** What CloudFormation has left of a stack that it deleted. */
async function retainedBy(cloudFormation: CloudFormationClient, stackId: string): Promise<Retained[]> {
  try {
    return (await stackResources(cloudFormation, stackId))
      .filter(({ status }) => status === 'DELETE_SKIPPED')
      .map(({ path, type, physicalId }) => ({ logicalId: path, type, physicalId }));
  } catch (error) {
    // It was deleted more than 90 days ago, by somebody else.
    const isForgotten = error instanceof CloudFormationServiceException && error.message.endsWith('does not exist');
    if (isForgotten) return [];
    throw error;
  }
}
