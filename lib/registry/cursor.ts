import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as v from 'valibot';
import { type Registry, unlessRefused } from './table.ts';

// Where work on many things stands that one invocation cannot do. It is kept in the registry, so that a later invocation goes on there.

const placeSchema = v.object({
  /** The last thing that was done; absent: the round has not begun. */
  after: v.optional(v.string()),
  /** The last of the things in hand. Of those up to it, nobody knows how far they were done when their invocation died. */
  inHand: v.optional(v.string()),
  /** When the last round was over, in milliseconds since the epoch. */
  endedAt: v.optional(v.number()),
});
export type Place = v.InferOutput<typeof placeSchema>;

/** Who works at it, until when. */
export interface Holder {
  /** Unique for each invocation. */
  holder: string;
  /** Until when nobody else may have it, in milliseconds since the epoch. */
  until: number;
}

const keyOf = (name: string) => ({ pk: `CURSOR#${name}`, sk: 'CURSOR' });

/**
 * Takes the cursor, so that no other invocation does the same things at the same time.
 * @param now milliseconds since the epoch
 * @returns where the work stands; undefined while another invocation has the cursor
 */
export async function takeCursor(
  { documents, tableName }: Registry,
  name: string,
  { holder, until }: Holder,
  now: number,
): Promise<Place | undefined> {
  const taken = await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: keyOf(name),
        UpdateExpression: 'SET #holder = :holder, #until = :until',
        // By the holder: the client repeats a call whose answer was lost.
        ConditionExpression: 'attribute_not_exists(#holder) OR #holder = :holder OR #until <= :now',
        ExpressionAttributeNames: { '#holder': 'holder', '#until': 'heldUntil' },
        ExpressionAttributeValues: { ':holder': holder, ':until': until, ':now': now },
        ReturnValues: 'ALL_NEW',
      }),
    ),
  );
  return taken === undefined ? undefined : v.parse(placeSchema, taken.Attributes ?? {});
}

/**
 * Writes where the work stands, and keeps the cursor for as long as the holder says, or gives it back when it `isOver`.
 * @returns false when somebody else has the cursor: this invocation must not go on
 */
export async function moveCursor(
  { documents, tableName }: Registry,
  name: string,
  { holder, until }: Holder,
  { after, inHand, endedAt, isOver }: Place & { isOver: boolean },
): Promise<boolean> {
  const place = Object.entries({ after, inHand, endedAt, heldUntil: isOver ? undefined : until });
  const set = place.filter(([, value]) => value !== undefined);
  const remove = [
    ...place.filter(([, value]) => value === undefined).map(([member]) => member),
    ...(isOver ? ['holder'] : []),
  ];
  const names = new Set([...place.map(([member]) => member), ...remove, 'holder']);
  const moved = await unlessRefused(
    documents.send(
      new UpdateCommand({
        TableName: tableName,
        Key: keyOf(name),
        UpdateExpression: [
          ...(set.length > 0 ? [`SET ${set.map(([member]) => `#${member} = :${member}`).join(', ')}`] : []),
          ...(remove.length > 0 ? [`REMOVE ${remove.map((member) => `#${member}`).join(', ')}`] : []),
        ].join(' '),
        ConditionExpression: '#holder = :holder',
        ExpressionAttributeNames: Object.fromEntries([...names].map((member) => [`#${member}`, member])),
        ExpressionAttributeValues: {
          ':holder': holder,
          ...Object.fromEntries(set.map(([member, value]) => [`:${member}`, value])),
        },
      }),
    ),
  );
  return moved !== undefined;
}
