import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { OnboardingInProgress } from '../shared/errors.ts';
import type { Plan, Role, Stack } from '../shared/plan.ts';
import { publishEvent } from '../shared/publish-event.ts';
import { completeRecord, type Registry, readRecord } from '../shared/registry.ts';

/** The output of the execution. */
export interface Onboarded {
  userName: string;
  stackId: string;
  roleArn: string;
  keyArns: string[];
}

/**
 * Marks the subscriber as active and publishes `SubscriberOnboarded`.
 * @throws OnboardingInProgress when another execution has taken the subscriber over
 */
export async function completeOnboarding(
  { plan, stack, role }: { plan: Plan; stack: Stack; role: Role },
  { registry, events, now }: { registry: Registry; events: EventBridgeClient; now: Date },
): Promise<Onboarded> {
  const { userName } = plan.subscriber;
  const { stackId } = stack;
  const { roleArn } = role;
  const isOurs = await completeRecord(registry, plan, { stackId, roleArn, now: now.toISOString() });
  if (!isOurs) {
    const owner = (await readRecord(registry, userName))?.executionArn ?? 'another execution';
    throw new OnboardingInProgress(userName, owner);
  }
  const onboarded = { userName, stackId, roleArn, keyArns: plan.keyArns };
  await publishEvent(events, 'SubscriberOnboarded', { ...onboarded, executionArn: plan.executionArn });
  return onboarded;
}
