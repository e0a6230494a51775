import { TransactionConflictException } from '@aws-sdk/client-dynamodb';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { keyPk, queryKey } from '../registry/key-items.ts';
import { ownerCheck, requireOwned } from '../registry/owner.ts';
import { type Registry, readItem, writeTogether } from '../registry/table.ts';
import { versioned } from '../versions.ts';

/**
 * A place in a key's policy for a role that is not there yet. Beside the grants, and not among them: no writer of policies sees it, and a
 * grant of the same role that was withdrawn stays known.
 */
const reservationSchema = v.object({
  /** The ARN that the role will have, as far as it can be known before. */
  roleArn: v.string(),
  userName: v.string(),
  /** The execution that it is for. It ends with that. */
  executionArn: v.string(),
  /** When DynamoDB may remove it, in seconds since the epoch. */
  expiresAt: v.number(),
});

export type Reservation = v.InferOutput<typeof reservationSchema>;

/** A little more than the day that an execution may take. */
const heldSeconds = 25 * 60 * 60;

const reservationPrefix = 'RESERVED#';

/** A subscriber has one place on a key: a later attempt's takes the place of an earlier one's. */
export const reservationKey = (keyArn: string, userName: string) => ({
  pk: keyPk(keyArn),
  sk: `${reservationPrefix}${userName.toLowerCase()}`,
});

/** Changes with every reservation, so that of two who have seen the same room just one gets it. */
const roomKey = (keyArn: string) => ({ pk: keyPk(keyArn), sk: 'ROOM' });

/** The reservations of a key, read consistently. Expired ones count as gone: DynamoDB deletes them up to days late. */
export async function readReservations(registry: Registry, keyArn: string, now: Date): Promise<Reservation[]> {
  const items = await queryKey(registry, keyArn, reservationPrefix);
  const reservations = items.map((item) => readItem(reservationSchema, item));
  return reservations.filter(({ expiresAt }) => expiresAt > now.getTime() / 1000);
}

/** How often room on a key was reserved so far. */
export async function readRoomVersion({ documents, tableName }: Registry, keyArn: string): Promise<number> {
  const { Item } = await documents.send(
    new GetCommand({ TableName: tableName, Key: roomKey(keyArn), ConsistentRead: true }),
  );
  return Item === undefined ? 0 : v.parse(v.object({ version: v.number() }), Item).version;
}

/**
 * Reserves a place, unless somebody else has since the version was read.
 * @param version as it was before the room was looked at
 * @returns false when somebody has: the room must be looked at again
 * @throws ExecutionSuperseded when the subscriber is another execution's
 */
export async function reserve(
  registry: Registry,
  keyArn: string,
  { version, now, ...reservation }: Omit<Reservation, 'expiresAt'> & { version: number; now: Date },
): Promise<boolean> {
  const { tableName } = registry;
  const { userName } = reservation;
  const expiresAt = Math.ceil(now.getTime() / 1000) + heldSeconds;
  try {
    const refused = await writeTogether(registry, [
      {
        Update: {
          TableName: tableName,
          Key: roomKey(keyArn),
          UpdateExpression: 'SET #version = :next',
          ConditionExpression: version === 0 ? 'attribute_not_exists(#version)' : '#version = :version',
          ExpressionAttributeNames: { '#version': 'version' },
          ExpressionAttributeValues: { ':next': version + 1, ...(version > 0 && { ':version': version }) },
        },
      },
      {
        Put: {
          TableName: tableName,
          Item: versioned({ ...reservationKey(keyArn, userName), ...reservation, expiresAt }),
        },
      },
      ownerCheck(registry, reservation),
    ]);
    requireOwned(refused, 2, userName);
    return refused.size === 0;
  } catch (error) {
    // Others were at it for as long as it was tried.
    if (error instanceof TransactionConflictException) return false;
    throw error;
  }
}
