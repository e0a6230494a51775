import type { UpdatePlan } from '../../lib/plans/update.ts';
import { complete } from '../../lib/subscribers/complete.ts';

/** The output of the execution. */
export interface Updated {
  userName: string;
  changed: UpdatePlan['changed'];
}

/**
 * Publishes `SubscriberUpdated` and marks the subscriber as active, with the e-mail address that it has now.
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 */
export async function completeUpdate(
  { plan }: { plan: Pick<UpdatePlan, 'subscriber' | 'executionArn' | 'changed'> },
  clients: Parameters<typeof complete>[1],
): Promise<Updated> {
  const { executionArn, changed } = plan;
  const { userName, emailId } = plan.subscriber;
  const updated = { userName, changed };
  const event = { detailType: 'SubscriberUpdated', detail: { ...updated, executionArn } } as const;
  await complete({ userName, executionArn, event, result: emailId === undefined ? {} : { emailId } }, clients);
  return updated;
}
