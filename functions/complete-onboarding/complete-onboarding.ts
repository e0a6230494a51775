import type { Plan, Role, Verification } from '../../lib/plans/onboarding.ts';
import type { Stack } from '../../lib/plans/stack.ts';
import { complete } from '../../lib/subscribers/complete.ts';
import { requireOwn } from '../../lib/subscribers/ownership.ts';
import { isAmong, type SubscriberRecord, withFormerStacks } from '../../lib/subscribers/record.ts';

/** The output of the execution. */
export interface Onboarded {
  userName: string;
  stackId: string;
  roleArn: string;
  keyArns: string[];
  /** What this request has changed since the subscriber was onboarded last; empty: nothing. */
  changed: ('subscriber' | 'stack' | 'keyPolicies')[];
  /** Whether InfinStor knows the subscriber with this role; null: that was not checked. */
  verified: boolean | null;
  /** Why it is not verified. */
  verification?: string;
}

/**
 * Publishes `SubscriberOnboarded` and marks the subscriber as active.
 * @throws ExecutionSuperseded when another execution has taken the subscriber over
 */
export async function completeOnboarding(
  {
    plan,
    subscriber: { emailId = plan.subscriber.emailId, customTokenExpiresAt, changed: isSubscriberChanged },
    stack,
    role,
    keys,
    verification,
  }: {
    plan: Pick<Plan, 'subscriber' | 'executionArn' | 'keyArns' | 'onboarded' | 'retained'> & {
      stack?: { build?: string | undefined; template?: Plan['stack']['template'] | undefined } | undefined;
    };
    /** The e-mail address that InfinStor has; default: the request's. And when the custom token ends, if that is known. */
    subscriber: { emailId?: string | undefined; customTokenExpiresAt?: string | undefined; changed: boolean };
    stack: Stack;
    role: Role;
    /** Whether patch-key-policy has written each key's policy. */
    keys: { changed: boolean }[];
    verification: Verification;
  },
  clients: Parameters<typeof complete>[1],
): Promise<Onboarded> {
  const { executionArn, keyArns } = plan;
  const { userName } = plan.subscriber;
  const { stackId } = stack;
  const { roleArn } = role;
  const { verified, reason } = verification;
  const isNew = plan.onboarded?.stackId !== stackId;
  const onboarded = {
    userName,
    stackId,
    roleArn,
    keyArns,
    changed: [
      ...(isSubscriberChanged ? (['subscriber'] as const) : []),
      ...(isNew ? (['stack'] as const) : []),
      ...(keys.some(({ changed }) => changed) ? (['keyPolicies'] as const) : []),
    ],
    verified,
    ...(reason !== undefined && { verification: reason }),
  };
  const event = { detailType: 'SubscriberOnboarded', detail: onboarded } as const;
  const record = await requireOwn(clients.registry, plan);
  const result = {
    emailId,
    stackId,
    // Of a stack that is there, the record says it already, or nobody knows.
    ...(isNew && plan.stack?.build !== undefined && built(plan.stack.build, plan.stack.template?.sha256)),
    roleArn,
    keyArns,
    customTokenExpiresAt,
    ...withFormerStacks(record, stackId),
    ...(record.offboarded && role.regained && { offboarded: without(record.offboarded, role.regained) }),
  };
  await complete({ userName, executionArn, event, result }, clients);
  return onboarded;
}

const built = (build: string, templateSha256: string | undefined) => ({ build, templateSha256 });

type Offboarded = NonNullable<SubscriberRecord['offboarded']>;

/** What an offboarding has left, without what the new stack owns: who tidies up must not delete what is in use. */
function without({ retained, ...offboarded }: Offboarded, regained: NonNullable<Role['regained']>): Offboarded {
  return { ...offboarded, retained: retained.filter((each) => !isAmong(regained, each)) };
}
