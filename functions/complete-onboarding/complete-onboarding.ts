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
 * Publishes `SubscriberOnboarded` and marks the subscriber as active.
 * @throws OnboardingInProgress when another execution has taken the subscriber over
 */
export async function completeOnboarding(
  { plan, stack, role }: { plan: Plan; stack: Stack; role: Role },
  { registry, events, now }: { registry: Registry; events: EventBridgeClient; now: Date },
): Promise<Onboarded> {
  const { userName } = plan.subscriber;
  const { stackId } = stack;
  const { roleArn } = role;
  const onboarded = { userName, stackId, roleArn, keyArns: plan.keyArns };
  await requireOwn(registry, plan);
  // Before the record, by which the sweep knows what is left to do: an event may come twice, but must not be lost.
  await publishEvent(events, 'SubscriberOnboarded', { ...onboarded, executionArn: plan.executionArn });
  const isOurs = await completeRecord(registry, plan, { stackId, roleArn, now: now.toISOString() });
  if (!isOurs) await requireOwn(registry, plan);
  return onboarded;
}

/** @throws OnboardingInProgress when the record belongs to another execution */
async function requireOwn(registry: Registry, { subscriber: { userName }, executionArn }: Plan): Promise<void> {
  const owner = (await readRecord(registry, userName))?.executionArn ?? 'another execution';
  if (owner !== executionArn) throw new OnboardingInProgress(userName, owner);
}
