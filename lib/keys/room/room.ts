import { roleArnIn } from '../../aws/arns.ts';
import { type Grant, isWanted } from '../grants.ts';
import { grantedRoles, type KeyAccess, sizeWith, unneededPatterns } from '../key-policy.ts';
import { type KeyPolicy, maxBytes, size } from '../policy-document.ts';
import type { Reservation } from '../reservations.ts';

/** What is left of a key's policy. */
export interface KeyRoom {
  /** The policy in force, without white space. */
  policyBytes: number;
  limitBytes: number;
  /** What roles will take that are to come: those that are wanted already, and those that room is reserved for. */
  reservedBytes: number;
  freeBytes: number;
  /**
   * How many subscribers' roles fit beside these, at least: their names are taken to be as long as they may be. Null: any number, since
   * all roles of the deployment stand there by the pattern of their names.
   */
  subscribersThatFit: number | null;
}

interface Parts {
  policy: KeyPolicy;
  grants: readonly Grant[];
  reservations: readonly Reservation[];
  access: KeyAccess;
  /** The ARN of a role that a subscriber of this name would have. */
  roleArnFor: (userName: string) => string;
}

/** How long a subscriber's name may be (`lib/requests/fields.ts`). */
const longestName = 34;
const subscriberNamed = (digit: string) => `x${digit.repeat(longestName - 1)}`;

/** The room in a key's policy, reckoned as a request is that asks for a place there. */
export function keyRoom({ policy, grants, reservations, access, roleArnFor }: Parts): KeyRoom {
  const coming = [
    ...grantedRoles(policy),
    ...grants.filter(isWanted).map(({ roleArn }) => roleArn),
    ...reservations.map(({ roleArn }) => roleArn),
  ];
  const [first, second] = [roleArnFor(subscriberNamed('1')), roleArnFor(subscriberNamed('2'))];
  const sizeFor = (roleArns: readonly string[]) =>
    sizeWith(policy, roleArns, access, unneededPatterns(policy, roleArns, access));
  const policyBytes = size(policy);
  const taken = Math.max(policyBytes, sizeFor(coming));
  const [withOne, withTwo] = [sizeFor([...coming, first]), sizeFor([...coming, first, second])];
  return {
    policyBytes,
    limitBytes: maxBytes,
    reservedBytes: taken - policyBytes,
    freeBytes: Math.max(0, maxBytes - taken),
    subscribersThatFit: fitting(withOne, withTwo - withOne),
  };
}

/** @param withOne the size with one more role; each further one takes `each` */
function fitting(withOne: number, each: number): number | null {
  if (withOne > maxBytes) return 0;
  return each === 0 ? null : 1 + Math.floor((maxBytes - withOne) / each);
}

/** Says the ARN of the role that a subscriber would have in the account of a key. */
export function roleArnsBeside(
  keyArn: string,
  { ROLE_PATH, ROLE_NAME_PREFIX }: { ROLE_PATH: string; ROLE_NAME_PREFIX: string },
): Parts['roleArnFor'] {
  const [, , , , accountId = ''] = keyArn.split(':');
  return (userName) => roleArnIn(keyArn, accountId, `${ROLE_PATH}${ROLE_NAME_PREFIX}${userName}`);
}
