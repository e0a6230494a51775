import type { Plan, Role, Verification } from '../../lib/plans/onboarding.ts';
import type { Stack } from '../../lib/plans/stack.ts';
import { complete } from '../../lib/subscribers/complete.ts';
import { readRecord, withFormerStacks } from '../../lib/subscribers/record.ts';

/** The output of the execution. */
export interface Onboarded {
  userName: string;
  stackId: string;
  roleArn: string;
  keyArns: string[];
  /** Whether InfinStor knows the subscriber with this role; null: that was not looked at. */
  verified: boolean | null;
  /** Why it is not verified. */
  verification?: string;
}

/**
 * Publishes `SubscriberOnboarded` and marks the subscriber as active.
 * @throws OnboardingInProgress when another execution has taken the subscriber over
 */
export async function completeOnboarding(
  {
    plan,
    subscriber: { emailId = plan.subscriber.emailId },
    stack,
    role,
    verification,
  }: {
    plan: Plan;
    /** The e-mail address that InfinStor has; default: the request's. */
    subscriber: { emailId?: string | undefined };
    stack: Stack;
    role: Role;
    verification: Verification;
  },
  clients: Parameters<typeof complete>[1],
): Promise<Onboarded> {
  const { executionArn, keyArns } = plan;
  const { userName } = plan.subscriber;
  const { stackId } = stack;
  const { roleArn } = role;
  const { verified, reason } = verification;
  const onboarded = {
    userName,
    stackId,
    roleArn,
    keyArns,
    verified,
    ...(reason !== undefined && { verification: reason }),
  };
  const event = { detailType: 'SubscriberOnboarded', detail: { ...onboarded, executionArn } } as const;
  const record = await readRecord(clients.registry, userName);
  const result = { emailId, stackId, roleArn, keyArns, ...withFormerStacks(record, stackId) };
  await complete({ userName, executionArn, event, result }, clients);
  return onboarded;
}
