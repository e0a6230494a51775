import type { SFNClient } from '@aws-sdk/client-sfn';
import { describeExecution } from '../aws/describe-execution.ts';
import { KeyPolicyFull } from '../errors.ts';
import { isWanted, readGrants } from '../keys/grants.ts';
import { grantedRoles, isGranted, type KeyAccess, policyOf, unneededPatterns, withGrants } from '../keys/key-policy.ts';
import type { KeyPolicy } from '../keys/policy-document.ts';
import { type Reservation, readReservations } from '../keys/reservations.ts';
import type { Registry } from '../registry/table.ts';

/** A place that is wanted in a key's policy. */
export interface Place {
  keyArn: string;
  userName: string;
  /** The ARN that the subscriber's role will have, as far as it can be known before the stack is there. */
  expectedRoleArn: string;
  access: KeyAccess;
  /** The policy in force. Read before the registry, it may name too many: roles that are being withdrawn. */
  policy: KeyPolicy;
}

export interface RoomDependencies {
  registry: Registry;
  stepFunctions: SFNClient;
  now: Date;
}

/** How many executions are asked for at the same time. */
const executionsAtOnce = 10;

/**
 * Looks whether a key's policy has room for one more role, beside those that other onboardings are about to add.
 * @returns whether the place is still to be reserved: not when the role has it already, or its grant stands in the registry
 * @throws KeyPolicyFull, KeyPolicyOrphan, KeyPolicyNotUnderstood
 */
export async function requireRoom(place: Place, { registry, stepFunctions, now }: RoomDependencies): Promise<boolean> {
  const { keyArn, userName, expectedRoleArn, access, policy } = place;
  const isOwn = (other: { userName: string }) => other.userName.toLowerCase() === userName.toLowerCase();
  // Reservations become grants: read in this order, none is missed on its way.
  const reservations = (await readReservations(registry, keyArn, now)).filter((reservation) => !isOwn(reservation));
  const grants = (await readGrants(registry, keyArn)).filter(isWanted);
  const hasGrant = grants.some(isOwn);
  const certain = [
    ...grantedRoles(policy),
    ...grants.map(({ roleArn }) => roleArn),
    ...(hasGrant ? [] : [expectedRoleArn]),
  ];
  const requireFor = (held: readonly Reservation[]) => {
    const roleArns = [...certain, ...held.map(({ roleArn }) => roleArn)];
    // Patterns may stay: whether they do is found out when the policy is written.
    withGrants(policy, roleArns, access, policyOf(keyArn), unneededPatterns(policy, roleArns, access));
  };
  try {
    requireFor(reservations);
  } catch (error) {
    if (!(error instanceof KeyPolicyFull) || reservations.length === 0) throw error;
    requireFor(await heldStill(stepFunctions, reservations));
  }
  return !hasGrant && !isGranted(policy, expectedRoleArn, access);
}

/** The reservations whose execution runs. Asked for only where it matters: each is a call. */
async function heldStill(stepFunctions: SFNClient, reservations: readonly Reservation[]): Promise<Reservation[]> {
  const held: Reservation[] = [];
  for (let place = 0; place < reservations.length; place += executionsAtOnce) {
    const some = reservations.slice(place, place + executionsAtOnce);
    const executions = await Promise.all(
      some.map(({ executionArn }) => describeExecution(stepFunctions, executionArn)),
    );
    held.push(...some.filter((_, each) => ['RUNNING', 'PENDING_REDRIVE'].includes(executions[each]?.status ?? '')));
  }
  return held;
}
