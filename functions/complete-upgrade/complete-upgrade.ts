import type { Role } from '../../lib/plans/onboarding.ts';
import type { ChangedStack } from '../../lib/plans/stack.ts';
import type { UpgradePlan } from '../../lib/plans/upgrade.ts';
import { complete } from '../../lib/subscribers/complete.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';

/** The output of the execution. */
export interface Upgraded {
  userName: string;
  stackId: string;
  roleArn: string;
  /** All that the role has, those that its data may still be encrypted with among them. */
  keyArns: string[];
  build: string;
  templateSha256: string;
  /** What this request has changed; empty: nothing. */
  changed: ('stack' | 'keyPolicies')[];
  /** What was replaced or removed, as the request allowed, each with the physical id of the one before. */
  replaced: string[];
}

/**
 * Publishes `SubscriberUpgraded` and marks the subscriber as active, with the build and the keys that it has now.
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 */
export async function completeUpgrade(
  {
    plan,
    stack: { stackId, changeSetId, hasGranted, replaced },
    role: { roleArn },
    keys,
  }: {
    plan: Pick<UpgradePlan, 'subscriber' | 'executionArn' | 'keyArns'> & {
      stack: Pick<UpgradePlan['stack'], 'build' | 'template'>;
    };
    stack: Pick<ChangedStack, 'stackId' | 'changeSetId' | 'hasGranted' | 'replaced'>;
    role: Pick<Role, 'roleArn'>;
    /** Whether patch-key-policy has written each key's policy in the end. */
    keys: readonly { changed: boolean }[];
  },
  clients: Parameters<typeof complete>[1],
): Promise<Upgraded> {
  const { executionArn } = plan;
  const { userName } = plan.subscriber;
  const { build, template } = plan.stack;
  const record = await requireOwn(clients.registry, plan);
  const keyArns = [...new Set([...(record.keyArns ?? []), ...plan.keyArns])];
  const upgraded = {
    userName,
    stackId,
    roleArn,
    keyArns,
    build,
    templateSha256: template.sha256,
    changed: [
      ...(changeSetId === undefined ? [] : (['stack'] as const)),
      ...(hasGranted || keys.some(({ changed }) => changed) ? (['keyPolicies'] as const) : []),
    ],
    replaced,
  };
  const event = { detailType: 'SubscriberUpgraded', detail: upgraded } as const;
  const result = { stackId, roleArn, keyArns, build, templateSha256: template.sha256 };
  await complete({ userName, executionArn, event, result }, clients);
  return upgraded;
}
