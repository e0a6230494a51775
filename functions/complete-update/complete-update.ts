import type { UpdatePlan } from '../../lib/plans/update.ts';
import { complete } from '../../lib/subscribers/complete.ts';

/** The output of the execution. */
export interface Updated {
  userName: string;
  changed: UpdatePlan['changed'];
}

interface Input {
  plan: Pick<UpdatePlan, 'subscriber' | 'executionArn' | 'changed'>;
  /** When the custom token ends, if that is known; absent in an execution that began before update-subscriber returned it. */
  update?: { customTokenExpiresAt?: string | undefined } | undefined;
}

/**
 * Publishes `SubscriberUpdated` and marks the subscriber as active, with the e-mail address that it has now.
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 */
export async function completeUpdate(
  { plan, update }: Input,
  clients: Parameters<typeof complete>[1],
): Promise<Updated> {
  const { executionArn, changed } = plan;
  const { userName, emailId } = plan.subscriber;
  const updated = { userName, changed };
  const event = { detailType: 'SubscriberUpdated', detail: updated } as const;
  const result = {
    ...(emailId !== undefined && { emailId }),
    ...(update && { customTokenExpiresAt: update.customTokenExpiresAt }),
  };
  await complete({ userName, executionArn, event, result }, clients);
  return updated;
}
